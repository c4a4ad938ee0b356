import { Failure } from '../failures.ts';

/** What OpenSSL says when the first bytes are no TLS record at all. */
const NOT_TLS = new Map([
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'the peer does not speak TLS; an initiator must come through a stub'],
  ['ERR_SSL_HTTP_REQUEST', 'the peer speaks HTTP'],
  ['ERR_SSL_HTTPS_PROXY_REQUEST', 'the peer takes this for an HTTP proxy'],
]);

const HANDSHAKE = new Map([
  ['ERR_TLS_HANDSHAKE_TIMEOUT', 'the peer did not finish the handshake in time'],
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'the peer does not speak TLS 1.3'],
  ['ERR_SSL_NO_APPLICATION_PROTOCOL', 'the peer offers ALPN without "sangate"'],
  ['ECONNRESET', 'the peer hung up in the handshake; its own log may say that it refuses our certificate'],
]);

/** The peer closed before its handshake was over. */
export function hungUp(): Failure {
  return new Failure('tls_handshake', `ECONNRESET: ${HANDSHAKE.get('ECONNRESET')}`);
}

/** Gives the error of a server's `tlsClientError` event its place in the mapping. */
export function tlsClientFailure(error: Error): Failure {
  const { code = 'no code', reason } = error as NodeJS.ErrnoException & { reason?: string };
  const notTls = NOT_TLS.get(code);
  if (notTls !== undefined) return new Failure('not_tls', `${code}: ${notTls}`, { cause: error });
  const message = HANDSHAKE.get(code) ?? reason ?? 'the handshake failed';
  return new Failure('tls_handshake', `${code}: ${message}`, { cause: error });
}
