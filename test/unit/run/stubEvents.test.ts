import { expect, test } from 'vitest';
import { countStubEvent, logStubEvent } from '../../../src/run/stubEvents.ts';
import { StubEventLimit } from '../../../src/run/stubEventLimit.ts';
import type { StubEvent } from '../../../src/stub/stub.ts';
import { DialError } from '../../../src/transport/dial.ts';
import { CapturedLog } from '../../support/capturedLog.ts';

const initiator = '127.0.0.1:50000';
const gateway = '203.0.113.1:3260';
const opened = { kind: 'opened', initiator, gateway, wasWarm: true } as const;

const linesOf = (event: StubEvent, limit = new StubEventLimit()) => {
  const log = new CapturedLog();
  logStubEvent(log.logger, event, limit);
  return log.lines;
};

const countsOf = (event: StubEvent): unknown[] => {
  const counts: unknown[] = [];
  countStubEvent({ count: (...result) => void counts.push(result) }, event);
  return counts;
};

test('a tunnel that stays its initiator’s is told once, when it opens', () => {
  expect(linesOf(opened)).toMatchObject([{ level: 'info', initiator, gateway, warm: true }]);
  expect(linesOf({ kind: 'kept' })).toEqual([]);
});

test('a tunnel that was dialled ahead is counted when it is known what becomes of it', () => {
  expect(countsOf(opened)).toEqual([]);
  expect(countsOf({ kind: 'kept' })).toEqual([['tunnel', 'given']]);
  expect(countsOf({ kind: 'reopened', initiator, gateway })).toEqual([['tunnel', 'closed']]);
});

test('a tunnel that was not dialled ahead is counted when it opens', () => {
  expect(countsOf({ ...opened, wasWarm: false })).toEqual([['tunnel']]);
});

test('a gateway that closes a tunnel without a word is told in a warning that says where to look', () => {
  expect(linesOf({ kind: 'closed', initiator, gateway, received: 0 })).toMatchObject([
    { level: 'warn', detail: expect.stringContaining('its log says why') as string },
  ]);
  expect(linesOf({ kind: 'closed', initiator, gateway, received: 48 })).toMatchObject([{ level: 'info' }]);
});

test('where no gateway is reached, each is told with its reason', () => {
  const error = new DialError(['gw1: refused', 'gw2: timeout']);
  expect(linesOf({ kind: 'unreachable', initiator, hadWarm: false, error })).toMatchObject([
    { level: 'warn', detail: 'gw1: refused; gw2: timeout' },
  ]);
});

test('a connection that is one too many is warned of, and counted as refused', () => {
  const refused = { kind: 'refused', initiator, hadWarm: true, detail: 'too many' } as const;
  expect(linesOf(refused)).toMatchObject([
    { level: 'warn', msg: 'connection refused', initiator, detail: 'too many' },
  ]);
  expect(countsOf(refused)).toEqual([['refused', 'closed']]);
});

test('a line says how many of its kind were left out before it, and what is left out has none', () => {
  let answer: number | undefined = 41;
  const limit = Object.assign(new StubEventLimit(), { take: () => answer });
  const closed = { kind: 'closed', initiator, gateway, received: 0 } as const;
  expect(linesOf(closed, limit)).toMatchObject([{ suppressed: 41 }]);
  answer = undefined;
  expect(linesOf(closed, limit)).toEqual([]);
});
