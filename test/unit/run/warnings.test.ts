import { expect, test } from 'vitest';
import { warnOfConfig } from '../../../src/run/warnings.ts';
import { CapturedLog } from '../../support/capturedLog.ts';

const DOUBT = {
  path: 'initiators.db1.from',
  message: 'a range is covered by another',
  hint: 'leave it out',
} as const;

test('a doubt about a configuration is logged with its place in the file and what to write instead', () => {
  const log = new CapturedLog();
  warnOfConfig([{ ...DOUBT, file: 'gateway.yaml', line: 17, column: 5 }], log.logger);
  expect(log.lines).toEqual([
    expect.objectContaining({
      at: 'gateway.yaml:17:5',
      path: DOUBT.path,
      hint: DOUBT.hint,
      msg: DOUBT.message,
    }),
  ]);
});

test('a doubt about settings from options, which have no line, is logged with where they come from', () => {
  const log = new CapturedLog();
  warnOfConfig([{ ...DOUBT, file: 'command line', line: 0, column: 0 }], log.logger);
  expect(log.lines).toEqual([expect.objectContaining({ at: 'command line' })]);
});
