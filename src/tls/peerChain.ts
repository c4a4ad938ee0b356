import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

/** What a peer presented, DER: its own certificate first, then what it sent along with it, in its order. */
export type PeerChain = readonly Buffer[];

/** Own certificate and intermediates; OpenSSL took them all in the handshake, but a session keeps them to its end. */
const MAX_CERTIFICATES = 9;

const read = new WeakMap<TLSSocket, PeerChain>();

/**
 * What the peer at the other end presented; empty if nothing. It is what `checkStanding` wants for as long as the connection
 * is up, and kept as bytes, which take a fifth of what Node's and OpenSSL's objects do.
 *
 * Every look at a peer's certificate goes this way, for on the listening side Node takes the intermediates out of OpenSSL
 * with the first `getPeerX509Certificate()`, and the second one comes back without them.
 */
export function peerChain(socket: TLSSocket): PeerChain {
  const known = read.get(socket);
  if (known !== undefined) return known;
  const chain = presented(socket.getPeerX509Certificate());
  read.set(socket, chain);
  return chain;
}

/** When the first certificate of a chain ends, milliseconds since 1970. */
export function endOfChain(chain: PeerChain): number {
  return Math.min(...chain.map((der) => Date.parse(new X509Certificate(der).validTo)));
}

/** Node calls each one in the peer's order the issuer of the one before, whether it is or not. */
function presented(leaf: X509Certificate | undefined): Buffer[] {
  const chain: Buffer[] = [];
  let next = leaf;
  while (next !== undefined && chain.length < MAX_CERTIFICATES) {
    chain.push(next.raw);
    next = next.issuerCertificate;
  }
  return chain;
}
