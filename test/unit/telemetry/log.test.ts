import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Failure } from '../../../src/failures.ts';
import { logEvents } from '../../../src/telemetry/log.ts';
import { CapturedLog } from '../../support/capturedLog.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const peer = { address: '192.0.2.1' };
const failure = new Failure('tls_handshake', 'the peer hung up');

/** So many strangers whom TLS refuses. */
function refuse(log: CapturedLog, count: number, observe = logEvents(log.logger)): typeof observe {
  for (let i = 0; i < count; i++) observe({ kind: 'handshake', peer, failure });
  return observe;
}

test('a flood of tunnels that TLS refuses makes 20 lines a second', () => {
  const log = new CapturedLog();
  refuse(log, 1000);
  expect(log.lines).toHaveLength(20);
});

test('the first line after a flood tells how many were left out', () => {
  const log = new CapturedLog();
  const observe = refuse(log, 1000);
  vi.advanceTimersByTime(1000);
  refuse(log, 2, observe);
  expect(log.lines.slice(20)).toEqual([
    expect.objectContaining({ msg: 'tunnel refused', suppressed: 980 }),
    expect.not.objectContaining({ suppressed: expect.anything() as unknown }),
  ]);
});

test('a flood of refused tunnels hides no login', () => {
  const log = new CapturedLog();
  const observe = refuse(log, 1000);
  observe({ kind: 'login', peer, failure: new Failure('chap', 'wrong') });
  expect(log.lines.at(-1)).toMatchObject({ msg: 'login denied', reason: 'chap' });
});

test('a peer that asks for targets again and again gets 20 lines a minute', () => {
  const log = new CapturedLog();
  const observe = logEvents(log.logger);
  for (let n = 0; n < 763; n++) observe({ kind: 'discovery', peer, shown: 3, missing: [], malformed: [] });
  expect(log.lines).toHaveLength(20);
});
