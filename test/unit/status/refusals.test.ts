import { expect, test } from 'vitest';
import { Failure } from '../../../src/failures.ts';
import type { GatewayEvent } from '../../../src/telemetry/events.ts';
import { Refusals } from '../../../src/status/refusals.ts';

const PEER = { address: '203.0.113.7', certificate: 'spiffe://example.org/db1', initiatorName: 'iqn.x:db1' };

const handshake = (address: string, message = 'no'): GatewayEvent => ({
  kind: 'handshake',
  peer: { address },
  failure: new Failure('unknown_ca', message),
});
const login = (target: string): GatewayEvent => ({
  kind: 'login',
  peer: PEER,
  target,
  rule: 'db1 at gateway.yaml:8:3',
  failure: new Failure('acl_denied', 'no access entry covers it'),
});
const denied = (enforced: boolean): GatewayEvent => ({
  kind: 'denied',
  peer: PEER,
  session: 7,
  target: 'iqn.x:disk',
  rule: 'db1 at gateway.yaml:15:9',
  denial: 'write-protected',
  enforced,
  what: 'WRITE (10) 2Ah on LUN 0: write-protected',
  suppressed: 0,
});

function after(...events: readonly GatewayEvent[]) {
  const refusals = new Refusals();
  for (const event of events) refusals.observe(event);
  return refusals.latest;
}

test('a login that was denied is told with who, what, why and by which rule', () => {
  expect(after(login('iqn.x:hidden'))).toEqual([
    {
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      count: 1,
      stage: 'login',
      address: PEER.address,
      certificate: PEER.certificate,
      initiator: PEER.initiatorName,
      target: 'iqn.x:hidden',
      reason: 'acl_denied',
      detail: 'no access entry covers it',
      rule: 'db1 at gateway.yaml:8:3',
      enforced: true,
    },
  ]);
});

test('a request that shadow let through is told as such', () => {
  expect(after(denied(false), denied(true)).map(({ reason, enforced }) => [reason, enforced])).toEqual(
    expect.arrayContaining([
      ['write-protected', false],
      ['write-protected', true],
    ]),
  );
});

test('what succeeds is no refusal', () => {
  expect(after({ kind: 'login', peer: PEER }, { kind: 'handshake', peer: PEER })).toEqual([]);
});

test('the same again is one refusal with a count', () => {
  expect(
    after(login('iqn.x:a'), login('iqn.x:b'), login('iqn.x:a')).map(({ target, count }) => [target, count]),
  ).toEqual(
    expect.arrayContaining([
      ['iqn.x:a', 2],
      ['iqn.x:b', 1],
    ]),
  );
});

test('connections that were refused without an event of their own count', () => {
  const refused: GatewayEvent = {
    kind: 'refused',
    peer: { address: '198.51.100.1' },
    failure: new Failure('too_many_connections', 'too many'),
    suppressed: 41,
  };
  expect(after(refused)[0]).toMatchObject({ stage: 'connection', count: 42 });
});

test('a flood of strangers pushes out strangers, and nobody whom a certificate vouched for', () => {
  const flood = Array.from({ length: 500 }, (_, i) => handshake(`2001:db8::${i.toString(16)}`));
  const latest = after(login('iqn.x:hidden'), ...flood);
  expect(latest).toHaveLength(51);
  expect(latest.some(({ stage }) => stage === 'login')).toBe(true);
  expect(latest.some(({ address }) => address === '2001:db8::1f3')).toBe(true);
});

test('initiators that are denied ever different things leave a hundred at most', () => {
  const names = Array.from({ length: 500 }, (_, i) => login(`iqn.x:${i}`));
  const flood = Array.from({ length: 500 }, (_, i) => handshake(`2001:db8::${i.toString(16)}`));
  expect(after(...names, ...flood)).toHaveLength(100);
});

test('no text is longer than what fits a line', () => {
  const long = 'x'.repeat(65_536);
  const [refusal] = after({
    ...login(long),
    peer: { address: PEER.address, certificate: long, initiatorName: long },
  } as GatewayEvent);
  expect(JSON.stringify(refusal).length).toBeLessThan(1500);
});
