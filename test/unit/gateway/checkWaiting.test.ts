import { expect, test } from 'vitest';
import { checkWaiting, type InForce, type Origin } from '../../../src/gateway/inForce.ts';

const HOUR = 3_600_000;
const ORIGIN: Origin = { listener: 'one', chain: [], notAfter: Infinity };
const NO_LIST: { crlNextUpdate?: number; shutOut: string[] } = { shutOut: [] };

/** What holds for a peer whose certificate is good. */
function holds({ cert = 'own', ...lists }: { cert?: string } & Partial<typeof NO_LIST> = {}): InForce {
  const credentials = { cert: Buffer.from(cert), ...NO_LIST, ...lists };
  return {
    checkOrigin: () => {},
    listeners: new Map([['one', { credentials }]]),
  } as unknown as InForce;
}

test('a tunnel goes on waiting while all that it came under holds', () => {
  const inForce = holds({ crlNextUpdate: Date.now() + HOUR });
  expect(() => checkWaiting(ORIGIN, inForce, holds())).not.toThrow();
});

test.each([
  ['has ended', { crlNextUpdate: Date.now() - 1 }],
  ['is not there for an authority', { shutOut: ['no CRL of the site CA'] }],
])('nobody waits where a CRL %s: a handshake would be refused', (_, lists) => {
  expect(() => checkWaiting(ORIGIN, holds(lists), holds())).toThrow('a CRL is missing or out of date');
});

test('nobody waits under a certificate that the gateway has no more', () => {
  expect(() => checkWaiting(ORIGIN, holds({ cert: 'new' }), holds())).toThrow('was renewed');
});

test('nobody waits whom a session would not be left to', () => {
  const inForce = {
    listeners: new Map(),
    checkOrigin: () => {
      throw new Error('revoked');
    },
  } as unknown as InForce;
  expect(() => checkWaiting(ORIGIN, inForce, holds())).toThrow('revoked');
});
