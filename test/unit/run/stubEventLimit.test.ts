import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { StubEventLimit } from '../../../src/run/stubEventLimit.ts';
import type { StubEvent } from '../../../src/stub/stub.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => vi.useRealTimers());

const ENDS = { initiator: '127.0.0.1:40312', gateway: '192.0.2.1:3261' };
const OPENED: StubEvent = { kind: 'opened', ...ENDS, wasWarm: false };
const CLOSED: StubEvent = { kind: 'closed', ...ENDS, received: 48 };
const UNREACHABLE: StubEvent = {
  kind: 'unreachable',
  initiator: ENDS.initiator,
  hadWarm: false,
  error: new Error('refused'),
};

/** @returns how many of so many are told */
function told(limit: StubEventLimit, event: StubEvent, count: number): number {
  let lines = 0;
  for (let i = 0; i < count; i++) if (limit.take(event) !== undefined) lines++;
  return lines;
}

test.each<[string, StubEvent]>([
  ['opened', OPENED],
  ['reopened', { kind: 'reopened', ...ENDS }],
  ['closed', CLOSED],
  ['closed without a word', { ...CLOSED, received: 0 }],
  ['unreachable', UNREACHABLE],
  ['refused', { kind: 'refused', initiator: ENDS.initiator, hadWarm: false, detail: 'too many' }],
])('of what each connection can bring about, 300 lines a minute are told: %s', (_, event) => {
  const limit = new StubEventLimit();
  expect(told(limit, event, 1000)).toBe(300);
  vi.advanceTimersByTime(60_000);
  expect([limit.take(event), limit.take(event)]).toEqual([700, 0]);
});

test('a flood of one kind keeps no other kind from being told', () => {
  const limit = new StubEventLimit();
  told(limit, OPENED, 1000);
  told(limit, CLOSED, 1000);
  expect([limit.take(UNREACHABLE), limit.take({ ...CLOSED, error: new Error('reset') })]).toEqual([0, 0]);
});

test('what no connection brings about is always told', () => {
  const limit = new StubEventLimit();
  expect(told(limit, { kind: 'warmth' }, 1000)).toBe(1000);
});
