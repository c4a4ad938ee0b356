import { isIP } from 'node:net';
import { checkServerIdentity, type ConnectionOptions, type TLSSocket } from 'node:tls';
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
  const expected = (gateway.serverName ?? gateway.host).replace(/\.$/, '');
  return {
    cert: credentials.cert,
    key: Buffer.from(credentials.key.reveal()),
    ca: credentials.ca,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    rejectUnauthorized: true,
    // RFC 6066 §3 has no literal addresses in SNI; the certificate must name the address all the same.
    servername: isIP(expected) ? '' : expected,
    checkServerIdentity: (_host, certificate) => checkServerIdentity(expected, certificate),
    ALPNProtocols: [ALPN],
  };
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
