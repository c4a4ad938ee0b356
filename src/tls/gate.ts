import type { X509Certificate } from 'node:crypto';
import type { TlsOptions, TLSSocket } from 'node:tls';
import { Failure, type FailureReason } from '../failures.ts';
import type { CertificateIdentity } from '../policy/subject.ts';
import { ALPN } from './alpn.ts';
import type { GatewayCredentials } from './credentials.ts';
import { describeCertificate } from './describe.ts';
import { certificateIdentity } from './certificateIdentity.ts';
import { listenerTlsOptions } from './listenerOptions.ts';
import { peerCertificate } from './peerChain.ts';

/**
 * Options for the gateway's `tls.createServer`, to which the caller adds how long a handshake may take. Refusing is left to
 * `admitTls`, for `rejectUnauthorized` would hide the reason.
 */
export function gatewayTlsOptions(credentials: GatewayCredentials): TlsOptions {
  return {
    ...listenerTlsOptions(credentials),
    rejectUnauthorized: false,
    // A client that offers protocols without ours is refused by OpenSSL; one that offers none (stunnel) may come.
    ALPNProtocols: [ALPN],
  };
}

/**
 * The one gate between TLS and iSCSI: call it on `secureConnection`, before a byte is read. Returns who the
 * peer is, or throws a `Failure` that says why it may not come in.
 */
export function admitTls(socket: TLSSocket): CertificateIdentity {
  const certificate = peerCertificate(socket);
  // By itself and first: OpenSSL reports a missing certificate as UNABLE_TO_GET_ISSUER_CERT.
  if (!certificate) throw new Failure('no_cert', 'the peer presented no certificate');
  if (!socket.authorized) throw refusal(socket, certificate);
  if (socket.getProtocol() !== 'TLSv1.3') {
    throw new Failure('tls_handshake', `the peer came in with ${socket.getProtocol()}, not with TLSv1.3`);
  }
  if (socket.isSessionReused()) {
    throw new Failure('tls_handshake', 'the peer resumed a session, which goes round the revocation list');
  }
  return certificateIdentity(certificate);
}

/** OpenSSL goes on after a fault, and what it reports is the last one that it found. */
const REASONS = new Map<string, FailureReason>([
  ['CERT_HAS_EXPIRED', 'expired_cert'],
  ['CERT_REVOKED', 'revoked_cert'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'unknown_ca'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'unknown_ca'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unknown_ca'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'unknown_ca'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'unknown_ca'],
  // an authority that has the name of ours and another key
  ['CERT_SIGNATURE_FAILURE', 'unknown_ca'],
  // of a stranger's chain as well: it is not trusted, and then its CRL is not found either
  ['UNABLE_TO_GET_CRL', 'unknown_ca'],
]);

const HINTS = new Map<string, string>([
  ['CRL_HAS_EXPIRED', "the gateway's CRL is out of date and everybody is refused: install a newer one"],
  ['CRL_NOT_YET_VALID', "the gateway's CRL is from the future: check the clock"],
  [
    'UNABLE_TO_GET_CRL',
    "the peer's authority is not the gateway's, or the gateway's CRL file has no CRL of it",
  ],
  ['CERT_NOT_YET_VALID', 'the certificate is not valid yet: check both clocks'],
  ['INVALID_PURPOSE', 'the certificate was not issued for clients'],
]);

function refusal(socket: TLSSocket, certificate: X509Certificate): Failure {
  // Typed as an Error, but Node puts OpenSSL's code there, a string.
  const code = String(socket.authorizationError ?? 'UNVERIFIED');
  const hint = HINTS.get(code);
  const who = describeCertificate(certificate);
  return new Failure(REASONS.get(code) ?? 'bad_cert', `${code}${hint ? ` (${hint})` : ''}: ${who}`);
}
