import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Failure } from '../../../src/failures.ts';
import { EventLimit } from '../../../src/telemetry/eventLimit.ts';
import type { GatewayEvent, Peer } from '../../../src/telemetry/events.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const db1: Peer = { address: '203.0.113.7', certificate: 'spiffe://example.org/db1', sha256: '01' };
const db2: Peer = { address: '203.0.113.7', certificate: 'spiffe://example.org/db2', sha256: '02' };

const denied = (peer: Peer, reason: 'acl_denied' | 'chap' = 'acl_denied'): GatewayEvent => ({
  kind: 'login',
  peer,
  failure: new Failure(reason, 'no'),
});
const discovery = (peer: Peer): GatewayEvent => ({
  kind: 'discovery',
  peer,
  shown: 1,
  missing: [],
  malformed: [],
});
const allowed = (peer: Peer, sessionType: 'Normal' | 'Discovery'): GatewayEvent => ({
  kind: 'login',
  peer,
  sessionType,
});

/** How many of so many are told. */
function told(limit: EventLimit, event: GatewayEvent, times: number): number {
  return Array.from({ length: times }, () => limit.take(event)).filter((taken) => taken !== undefined).length;
}

test.each([
  ['SendTargets', discovery(db1)],
  ['logins that are denied', denied(db1)],
  ['logins to discovery sessions', allowed(db1, 'Discovery')],
  ['duplicates that are refused', { kind: 'duplicate', peer: db1, other: { address: '::1', sha256: 'ab', serial: '02' }, isRefused: true }], // prettier-ignore
] satisfies [string, GatewayEvent][])('a peer that repeats %s gets 20 lines a minute', (_, event) => {
  const limit = new EventLimit();
  expect(told(limit, event, 1000)).toBe(20);
  vi.advanceTimersByTime(60_000);
  expect(limit.take(event)).toBe(980);
  expect(limit.take(event)).toBe(0);
});

test('a login to a Normal session that is allowed is always told', () => {
  const limit = new EventLimit();
  expect(told(limit, allowed(db1, 'Discovery'), 1000)).toBe(20);
  expect(told(limit, allowed(db1, 'Normal'), 1000)).toBe(1000);
});

const refused = (session: number, suppressed = 0): GatewayEvent => ({
  kind: 'denied',
  peer: db1,
  session,
  target: 'iqn.2026-01.org.example:disk1',
  rule: 'db1 at gateway.yaml:12:3',
  denial: 'hidden-lun',
  enforced: true,
  what: 'READ (10) 28h on LUN 7: hidden-lun',
  suppressed,
});
const noted = (effect: string, session = 1): GatewayEvent => ({
  kind: 'notable',
  peer: db1,
  session,
  target: 'iqn.2026-01.org.example:disk1',
  rule: 'db1 at gateway.yaml:12:3',
  effect,
  operationCode: 0x42,
  lun: 0,
  suppressed: 0,
});

test('requests that are denied get 600 lines a minute for one certificate, in however many sessions', () => {
  const limit = new EventLimit();
  const lines = Array.from({ length: 1000 }, (_, session) => limit.take(refused(session)));
  expect(lines.filter((taken) => taken !== undefined)).toHaveLength(600);
  expect(limit.take({ ...refused(1), peer: db2 } as GatewayEvent)).toBe(0);
  expect(limit.take({ ...refused(1), denial: 'write-protected' } as GatewayEvent)).toBe(0);
  vi.advanceTimersByTime(60_000);
  expect(limit.take(refused(1000))).toBe(400);
});

test.each([
  ['reserve', 1200],
  ['configure', 1200],
  ['unmap', 7200],
])('commands of note (%s) get %i lines a minute for one certificate', (effect, lines) => {
  expect(told(new EventLimit(), noted(effect), 8000)).toBe(lines);
});

test('what a session has left out is counted, also where its line is left out', () => {
  const limit = new EventLimit();
  expect(limit.take(refused(1, 5))).toBe(5);
  told(limit, refused(2), 599);
  expect(limit.take(refused(3, 7))).toBeUndefined();
  vi.advanceTimersByTime(60_000);
  expect(limit.take(refused(4, 2))).toBe(1 + 7 + 2);
});

test("a peer's flood hides neither another reason nor another certificate behind the same address", () => {
  const limit = new EventLimit();
  told(limit, denied(db1), 1000);
  told(limit, discovery(db1), 1000);
  expect([limit.take(denied(db1, 'chap')), limit.take(denied(db2)), limit.take(discovery(db2))]).toEqual([
    0, 0, 0,
  ]);
});

test('two certificates with one name have each their own limit', () => {
  const limit = new EventLimit();
  told(limit, denied(db1), 1000);
  expect(limit.take(denied({ ...db1, sha256: 'ff' }))).toBe(0);
});

test('whoever was heard of last is remembered, however many others come', () => {
  const limit = new EventLimit();
  told(limit, denied(db1), 20);
  for (let n = 0; n < 5000; n++) {
    limit.take(denied({ address: '203.0.113.7', sha256: `${n}` }));
    expect(limit.take(denied(db1))).toBeUndefined();
  }
});

test('what was not heard of for longest is forgotten', () => {
  const limit = new EventLimit();
  told(limit, denied(db1), 21);
  for (let n = 0; n < 1024; n++) limit.take(denied({ address: `2001:db8::${n.toString(16)}` }));
  expect(limit.take(denied(db1))).toBe(0);
});
