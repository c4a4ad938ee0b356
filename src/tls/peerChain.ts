import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

/** What a peer presented, DER: its own certificate first, then what it sent along with it, in its order. */
export type PeerChain = readonly Buffer[];

/** Own certificate and intermediates; OpenSSL took them all in the handshake, but a session keeps them to its end. */
const MAX_CERTIFICATES = 9;

interface Presented {
  readonly chain: PeerChain;
  readonly notAfter: number;
}

const read = new WeakMap<TLSSocket, Presented>();

/**
 * The certificate of the peer at the other end. The first look takes the one that the handshake has read; reading bytes anew
 * costs as much as verifying a signature twice.
 *
 * Every look at a peer's certificate goes this way, for on the listening side Node takes the intermediates out of OpenSSL
 * with the first `getPeerX509Certificate()`, and the second one comes back without them.
 */
export function peerCertificate(socket: TLSSocket): X509Certificate | undefined {
  const known = read.get(socket);
  if (known === undefined) {
    const leaf = socket.getPeerX509Certificate();
    read.set(socket, presented(leaf));
    return leaf;
  }
  const [leaf] = known.chain;
  return leaf && new X509Certificate(leaf);
}

/**
 * What the peer at the other end presented; empty if nothing. It is what `checkStanding` wants for as long as the connection
 * is up, and kept as bytes, which take a fifth of what Node's and OpenSSL's objects do.
 */
export function peerChain(socket: TLSSocket): PeerChain {
  return look(socket).chain;
}

/** When the first certificate of what the peer presented ends, milliseconds since 1970. */
export function endOfChain(socket: TLSSocket): number {
  return look(socket).notAfter;
}

function look(socket: TLSSocket): Presented {
  if (!read.has(socket)) peerCertificate(socket);
  return read.get(socket)!;
}

/** Node calls each one in the peer's order the issuer of the one before, whether it is or not. */
function presented(leaf: X509Certificate | undefined): Presented {
  const chain: Buffer[] = [];
  let notAfter = Infinity;
  let next = leaf;
  while (next !== undefined && chain.length < MAX_CERTIFICATES) {
    chain.push(next.raw);
    notAfter = Math.min(notAfter, Date.parse(next.validTo));
    next = next.issuerCertificate;
  }
  return { chain, notAfter };
}
