import { constants } from 'node:crypto';
import type { TlsOptions } from 'node:tls';
import type { GatewayCredentials } from './credentials.ts';

/**
 * What every listener with certified clients has in common: TLS 1.3, a client certificate of our authorities, and no way
 * round the CRL. Goes to `createServer`, and on a reload whole to `setSecureContext`, which forgets what it is not told
 * again.
 */
export function listenerTlsOptions(credentials: GatewayCredentials): TlsOptions {
  return {
    cert: credentials.cert,
    key: Buffer.from(credentials.key.reveal()),
    ca: credentials.ca,
    ...(credentials.crl && { crl: [...credentials.crl] }),
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    requestCert: true,
    // A resumed session skips the certificate, and with it the CRL. TLS 1.3 then still hands out tickets, but
    // they are keys to a session cache that the server does not have.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/** Options for the admin listener's `https.createServer`: whoever has no valid certificate never gets past the handshake. */
export function adminTlsOptions(credentials: GatewayCredentials): TlsOptions {
  return { ...listenerTlsOptions(credentials), rejectUnauthorized: true };
}
