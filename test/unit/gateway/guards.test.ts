import { expect, test } from 'vitest';
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
