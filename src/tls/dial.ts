import { isIP } from 'node:net';
import {
  checkServerIdentity,
  createSecureContext,
  type ConnectionOptions,
  type PeerCertificate,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import { Failure } from '../failures.ts';
import { ALPN } from './alpn.ts';
import type { StubCredentials } from './credentials.ts';

export interface GatewayName {
  /** What is dialled: a host name or an IP address without brackets. */
  readonly host: string;
  /** What the gateway's certificate must say, if that is not `host`. */
  readonly serverName?: string;
}

/** Options for `tls.connect`, to which the caller adds host, port and the rest of the socket's. */
export function stubTlsOptions(credentials: StubCredentials, gateway: GatewayName): ConnectionOptions {
  return {
    secureContext: contextOf(credentials),
    rejectUnauthorized: true,
    ...expecting(gateway),
    ALPNProtocols: [ALPN],
  };
}

/** What makes a client expect this name of the certificate that it is shown. */
export function expecting({
  host,
  serverName = host,
}: GatewayName): Pick<ConnectionOptions, 'servername' | 'checkServerIdentity'> {
  const expected = serverName.replace(/\.$/, '');
  return {
    // RFC 6066 §3 has no literal addresses in SNI; the certificate must name the address all the same.
    servername: isIP(expected) ? '' : expected,
    checkServerIdentity: (_host, certificate) => checkServerIdentity(expected, certificate),
  };
}

/** Reading certificates and keys is a quarter of what a dial costs the stub (measured), so it is done once for each reading. */
const contexts = new WeakMap<StubCredentials, SecureContext>();

function contextOf(credentials: StubCredentials): SecureContext {
  const known = contexts.get(credentials);
  if (known !== undefined) return known;
  const context = createSecureContext({
    cert: credentials.cert,
    key: Buffer.from(credentials.key.reveal()),
    ca: credentials.ca,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
  });
  contexts.set(credentials, context);
  return context;
}

/**
 * Call it on what `tls.connect` gives. Node asks for the peer's certificate with all that was sent along with it before it calls
 * `checkServerIdentity`, and reading those anew is a tenth of what a dial costs the stub; the name is in the certificate itself.
 */
export function askForLeafOnly(socket: TLSSocket): void {
  const ask = socket.getPeerCertificate.bind(socket) as (detailed: false) => PeerCertificate;
  socket.getPeerCertificate = (() => ask(false)) as TLSSocket['getPeerCertificate'];
}

/** Call it on `secureConnect`, before a byte is sent: throws unless a sangate gateway is at the other end. */
export function checkGateway(socket: TLSSocket): void {
  if (!socket.authorized) {
    throw new Failure('tls_handshake', "the gateway's certificate was not verified");
  }
  if (socket.alpnProtocol !== ALPN) {
    throw new Failure(
      'tls_handshake',
      `the peer did not agree to ALPN "${ALPN}": check that host and port are those of a sangate gateway`,
    );
  }
}

/** As Node raises it; `host` and `cert` come with a name that does not fit. */
type DialFailure = Error & {
  readonly code?: string;
  readonly host?: string;
  readonly cert?: PeerCertificate;
};

/** Why a gateway could not be dialled, with what to do about it where OpenSSL and Node do not say. */
export function explainDialFailure(error: DialFailure): Error {
  const explained = explanation(error);
  return explained === undefined ? error : new Error(explained, { cause: error });
}

const NOT_FROM_OUR_CA: ReadonlySet<string> = new Set([
  'CERT_SIGNATURE_FAILURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

function explanation({ code = '', message, host, cert }: DialFailure): string | undefined {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = cert?.subjectaltname ?? 'none';
    return `the gateway's certificate is not for ${host} but for ${names}: dial a name that it has, or give that as serverName`;
  }
  if (NOT_FROM_OUR_CA.has(code)) {
    return `the gateway's certificate does not come from our CA: compare the stub's ca with the gateway's cert (${code})`;
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return `the gateway's certificate is not in date: renew it, or compare the clocks (${code})`;
  }
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER') {
    return `the peer does not speak TLS: check that host and port are those of a sangate gateway (${code})`;
  }
  if (code === 'ECONNRESET') {
    return `the peer closed the connection before TLS was established: check that host and port are those of a sangate gateway; if they are, its log says why (${code})`;
  }
  if (code === 'ECONNREFUSED') {
    // Of several addresses of one name Node gives a code and no message.
    return `nobody takes the connection: is the gateway running, is a firewall between? (${message || code})`;
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return `the name cannot be resolved: check how it is written under gateways, and the name server of this machine (${code})`;
  }
  return undefined;
}
