import { deserialize, serialize } from 'node:v8';
import { expect, test } from 'vitest';
import { Failure } from '../../../../src/failures.ts';
import { packEvent, workerEvent, type WorkerEvent } from '../../../../src/gateway/workers/eventSchema.ts';

const peer = {
  address: '203.0.113.7',
  certificate: 'spiffe://x/db1',
  sha256: 'ab',
  serial: '01',
  initiatorName: 'iqn.x:db1',
};
const failure = new Failure('acl_denied', 'no line covers it', { wire: 'close' });
const traffic = { pdus: 1, bytes: 2 };
const inSession = { peer, session: 7, target: 'iqn.x:disk', rule: 'db1 at g.yaml:1:1' };

const EVENTS: readonly WorkerEvent[] = [
  { kind: 'handshake', peer: { address: peer.address } },
  { kind: 'handshake', peer, failure },
  { kind: 'login', peer, failure },
  {
    kind: 'login',
    peer,
    sessionType: 'Normal',
    target: 'iqn.x:disk',
    rule: 'db1 at g.yaml:1:1',
    shadow: 'why',
    backend: 'array1',
    portal: '10.0.0.5:3260',
    session: 7,
  },
  {
    kind: 'duplicate',
    peer,
    other: { address: '203.0.113.8', sha256: 'cd', serial: '02' },
    isRefused: true,
  },
  {
    kind: 'discovery',
    peer,
    shown: 2,
    missing: [{ backend: 'array1', failure }],
    malformed: ['x'],
    failure,
  },
  {
    kind: 'denied',
    ...inSession,
    denial: 'hidden-lun',
    enforced: true,
    what: 'READ(10)',
    operationCode: 0x28,
    lun: 3,
    suppressed: 0,
  },
  {
    kind: 'denied',
    ...inSession,
    denial: 'no-access',
    enforced: false,
    what: 'reset',
    taskFunction: 5,
    lun: '00ff',
    suppressed: 3,
  },
  { kind: 'notable', ...inSession, effect: 'reserve', operationCode: 0x5f, lun: 0, suppressed: 1 },
  {
    kind: 'sessionEnded',
    peer,
    session: 7,
    target: 'iqn.x:disk',
    by: 'gateway',
    failure,
    denials: 1,
    suppressed: 0,
    fromInitiator: traffic,
    fromTarget: traffic,
  },
];

test.each(EVENTS)('an event of kind $kind is the same on the other side of a link', (event) => {
  const after = workerEvent.parse(deserialize(serialize(packEvent(event))));
  expect(after).toEqual(event);
  if ('failure' in event) {
    const { failure: crossed } = after as { failure: Failure };
    expect(crossed).toBeInstanceOf(Failure);
    expect(crossed.wire).toBe('close');
  }
});

test.each([
  { kind: 'reload', causes: [] },
  { kind: 'login', peer: { address: 7 } },
  { kind: 'handshake', peer, more: 1 },
  { kind: 'handshake', peer, failure: { reason: 'no such reason', message: '', wire: 'close' } },
])('what a worker has no business to tell is refused: $kind', (event) => {
  expect(workerEvent.safeParse(event).success).toBe(false);
});
