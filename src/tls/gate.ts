import { constants, type X509Certificate } from 'node:crypto';
import type { TlsOptions, TLSSocket } from 'node:tls';
import { Failure, type FailureReason } from '../failures.ts';
import type { CertificateIdentity } from '../policy/subject.ts';
import { ALPN } from './alpn.ts';
import type { GatewayCredentials } from './credentials.ts';
import { certificateIdentity } from './identity.ts';

/**
 * Options for `tls.createServer`, to which the caller adds how long a handshake may take. On a reload they go whole to
 * `server.setSecureContext`, which forgets what it is not told again. Refusing is left to `admitTls`, for
 * `rejectUnauthorized` would hide the reason.
 */
export function gatewayTlsOptions(credentials: GatewayCredentials): TlsOptions {
  return {
    cert: credentials.cert,
    key: Buffer.from(credentials.key.reveal()),
    ca: credentials.ca,
    ...(credentials.crl && { crl: [...credentials.crl] }),
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    requestCert: true,
    rejectUnauthorized: false,
    // A client that offers protocols without ours is refused by OpenSSL; one that offers none (stunnel) may come.
    ALPNProtocols: [ALPN],
    // A resumed session skips the certificate, and with it the CRL. TLS 1.3 then still hands out tickets, but
    // they are keys to a session cache that the server does not have.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/**
 * The one gate between TLS and iSCSI: call it on `secureConnection`, before a byte is read. Returns who the
 * peer is, or throws a `Failure` that says why it may not come in.
 */
export function admitTls(socket: TLSSocket): CertificateIdentity {
  const certificate = socket.getPeerX509Certificate();
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
  const who = `certificate of ${subject(certificate)} with serial ${certificate.serialNumber}, SHA-256 ${certificate.fingerprint256}`;
  return new Failure(REASONS.get(code) ?? 'bad_cert', `${code}${hint ? ` (${hint})` : ''}: ${who}`);
}

/** What the certificate calls its holder, which only a signature of ours would make true; quoted and cut for the log. */
function subject({ subject: name }: X509Certificate): string {
  return JSON.stringify(name.replaceAll('\n', ', ').slice(0, 100));
}
