import { expect, onTestFinished, test, vi } from 'vitest';
import { Failure } from '../../../src/failures.ts';
import { Guards, type Presence } from '../../../src/gateway/guards.ts';
import { initiatorRule } from '../../support/initiatorRule.ts';

const HERE: Presence = {
  initiatorName: 'iqn.2026-01.org.example:db1',
  certificate: 'aa',
  serial: '01',
  names: 'db1',
  address: '203.0.113.7',
};
const RULE = initiatorRule();

test('one initiator with one certificate from one address is no duplicate, however often it comes', () => {
  const guards = new Guards();
  guards.enter(HERE, RULE);
  expect(guards.enter(HERE, RULE).duplicateOf).toBeUndefined();
});

test.each([
  ['a certificate with other names', { certificate: 'bb', names: 'twin' }],
  ['another address', { address: '203.0.113.8' }],
])('the same name with %s is a duplicate', (_, difference) => {
  const guards = new Guards();
  guards.enter(HERE, RULE);
  expect(guards.enter({ ...HERE, ...difference }, RULE).duplicateOf).toEqual(HERE);
});

test('a certificate that was renewed is no duplicate at the same address', () => {
  const guards = new Guards();
  guards.enter(HERE, RULE);
  expect(guards.enter({ ...HERE, certificate: 'bb' }, RULE).duplicateOf).toBeUndefined();
});

test('a host that has all its sessions may still look for targets, so many times', () => {
  const guards = new Guards();
  const rule = initiatorRule({ maxSessions: 1 });
  guards.enter({ ...HERE, nexus: 'isid 1' }, rule);
  guards.enter(HERE, rule);
  expect(() => guards.enter(HERE, rule)).toThrow(/1 discovery sessions/);
});

test('hosts of a cluster share their name', () => {
  const guards = new Guards();
  const rule = initiatorRule({ cluster: true });
  guards.enter(HERE, rule);
  expect(
    guards.enter({ ...HERE, certificate: 'bb', address: '203.0.113.8' }, rule).duplicateOf,
  ).toBeUndefined();
});

test('whoever has left is no duplicate of anybody', () => {
  const guards = new Guards();
  guards.enter(HERE, RULE).leave();
  expect(guards.enter({ ...HERE, certificate: 'bb', names: 'twin' }, RULE).duplicateOf).toBeUndefined();
});

test('leaving twice leaves once', () => {
  const guards = new Guards();
  const rule = initiatorRule({ maxSessions: 1 });
  const first = guards.enter(HERE, rule);
  first.leave();
  guards.enter(HERE, rule);
  first.leave();
  expect(() => guards.enter(HERE, rule)).toThrow(expect.objectContaining({ reason: 'too_many_sessions' }));
});

test('an initiator has no more sessions than its rule says, and hears which key says so', () => {
  const guards = new Guards();
  const rule = initiatorRule({ maxSessions: 2 });
  guards.enter(HERE, rule);
  guards.enter(HERE, rule);
  expect(() => guards.enter(HERE, rule)).toThrow(/has 2 discovery sessions.*gateway\.yaml:12:3.*maxSessions/);
});

test("one initiator's sessions take no places of another's", () => {
  const guards = new Guards();
  const rule = initiatorRule({ maxSessions: 1 });
  guards.enter(HERE, rule);
  expect(() => guards.enter({ ...HERE, initiatorName: 'iqn.2026-01.org.example:db2' }, rule)).not.toThrow();
});

test('a login that reinstates a session needs no second place', () => {
  const guards = new Guards();
  const rule = initiatorRule({ maxSessions: 1 });
  guards.enter({ ...HERE, nexus: 'isid 1' }, rule);
  expect(() => guards.enter({ ...HERE, nexus: 'isid 1' }, rule)).not.toThrow();
  expect(() => guards.enter({ ...HERE, nexus: 'isid 2' }, rule)).toThrow();
});

const SESSION = { peer: { address: HERE.address }, target: 'iqn.2026-01.org.example:disk1' };
const I1 = { ...HERE, nexus: 'isid 1' };

test('a session that is reinstated is ended, and the one in its place waits until it has left', async () => {
  const guards = new Guards();
  const first = guards.enter(I1, RULE);
  const ending = await first.begin(SESSION);
  const second = guards.enter(I1, RULE);
  let hasBegun = false;
  const begun = second.begin(SESSION).then(() => (hasBegun = true));
  expect(ending.reason).toMatchObject({ reason: 'reinstated' });
  await Promise.resolve();
  expect(hasBegun).toBe(false);
  first.leave();
  await begun;
  expect(guards.sessions).toBe(1);
});

test('a session with another nexus, or of another initiator, is not replaced', async () => {
  const guards = new Guards();
  const ending = await guards.enter(I1, RULE).begin(SESSION);
  await guards.enter({ ...HERE, nexus: 'isid 2' }, RULE).begin(SESSION);
  await guards.enter({ ...I1, initiatorName: 'iqn.2026-01.org.example:db2' }, RULE).begin(SESSION);
  expect(ending.aborted).toBe(false);
  expect(guards.sessions).toBe(3);
});

test('a login that has not become a session is not ended by another', async () => {
  const guards = new Guards();
  const slow = guards.enter(I1, RULE);
  const quick = guards.enter(I1, RULE);
  const ending = await quick.begin(SESSION);
  expect(ending.aborted).toBe(false);
  const begun = slow.begin(SESSION); // the last one to begin stays (RFC 7143 §6.3.5)
  expect(ending.aborted).toBe(true);
  quick.leave();
  await begun;
});

test('a session is ended by its number, once it has begun and until it has left', async () => {
  const guards = new Guards();
  const failure = new Failure('killed', 'by the test');
  const entrance = guards.enter(I1, RULE);
  expect(guards.end(entrance.id, failure)).toBe(false);
  const ending = await entrance.begin(SESSION);
  expect(guards.end(entrance.id, failure)).toBe(true);
  expect(ending.reason).toBe(failure);
  entrance.leave();
  expect(guards.end(entrance.id, failure)).toBe(false);
});

test('Normal sessions have numbers that no other has had', () => {
  const guards = new Guards();
  const first = guards.enter(I1, RULE);
  first.leave();
  expect(guards.enter(I1, RULE).id).toBeGreaterThan(first.id);
});

test('one that does not end keeps the one in its place from beginning, and not for ever', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const guards = new Guards();
  await guards.enter(I1, RULE).begin(SESSION);
  const begun = expect(guards.enter(I1, RULE).begin(SESSION)).rejects.toMatchObject({
    reason: 'worker_lost',
  });
  await vi.advanceTimersByTimeAsync(10_000);
  await begun;
});
