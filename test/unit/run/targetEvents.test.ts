import { expect, test } from 'vitest';
import { Failure } from '../../../src/failures.ts';
import { logTargetEvent } from '../../../src/run/targetEvents.ts';
import { CapturedLog } from '../../support/capturedLog.ts';

const address = '127.0.0.1';

test('a login that the target allows is told as such', () => {
  const log = new CapturedLog();
  logTargetEvent(log.logger, { kind: 'login', address });
  expect(log.lines).toMatchObject([{ level: 'info', address, msg: 'login allowed' }]);
});

test('a login that the target denies is told with what the initiator was told', () => {
  const log = new CapturedLog();
  logTargetEvent(log.logger, { kind: 'login', address, failure: new Failure('chap', 'wrong secret') });
  expect(log.lines).toMatchObject([
    {
      level: 'warn',
      reason: 'chap',
      detail: 'wrong secret',
      told: '0201 authenticationFailure',
      msg: 'login denied',
    },
  ]);
});
