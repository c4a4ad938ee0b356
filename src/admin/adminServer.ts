import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TlsOptions } from 'node:tls';
import type { Portal } from '../iscsi/targetAddress.ts';
import { listen } from '../transport/listen.ts';
import { plainAddress } from '../transport/plainAddress.ts';
import { accessAt } from './access.ts';
import { answer, hasBody, type AdminSource, type Reply } from './answer.ts';
import { listenAtSocket } from './unixSocket.ts';

export interface AdminOptions extends AdminSource {
  /** A portal, or the absolute path of a unix socket. */
  readonly address: Portal | { readonly socket: string };
  /** Must let nobody in without a client certificate. Absent: plain HTTP. */
  readonly tls?: TlsOptions;
  /** Hears of everybody who was turned away. */
  readonly onRefused: (address: string, why: string) => void;
}

export interface AdminServer {
  /** Absent at a unix socket. */
  readonly address?: AddressInfo;
  /** Takes new certificates; connections made with the old ones end. For a server with TLS. */
  renewTls(tls: TlsOptions): void;
  close(): Promise<void>;
}

/** Far above what operators and Prometheus need; others wait until one is free. */
const MAX_CONNECTIONS = 64;
const HANDSHAKE_TIMEOUT = 5_000;

const LIMITS = {
  maxHeaderSize: 8 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
} as const satisfies http.ServerOptions;
/** For a peer that does not read its answer. */
const IDLE_TIMEOUT = 30_000;

/** Metrics, health and sessions over HTTP. @throws its listener's error */
export async function startAdminServer({
  address,
  tls,
  onRefused,
  ...source
}: AdminOptions): Promise<AdminServer> {
  const server = tls
    ? https.createServer({ ...LIMITS, handshakeTimeout: HANDSHAKE_TIMEOUT, ...tls })
    : http.createServer(LIMITS);
  server.maxConnections = MAX_CONNECTIONS;
  server.timeout = IDLE_TIMEOUT;
  server.on('drop', (dropped) => {
    onRefused(dropped?.remoteAddress ?? 'unix socket', `there are ${MAX_CONNECTIONS} connections already`);
  });
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: { remoteAddress?: string }) => {
    onRefused(nameOf(socket), `TLS: ${error.code ?? error.message}`);
  });
  const at =
    'socket' in address ? await listenAtSocket(server, address.socket) : await listen(server, address);
  const access = accessAt(at, tls !== undefined);
  server.on('request', (request, response) => {
    void answer(request, access, source).then((reply) => {
      if (reply.refused !== undefined) onRefused(nameOf(request.socket), reply.refused);
      send(request, response, reply);
    });
  });
  return {
    ...(typeof at !== 'string' && { address: at }),
    renewTls: (options) => {
      if (!(server instanceof https.Server)) return;
      server.setSecureContext(options);
      server.closeAllConnections();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function send(request: http.IncomingMessage, response: http.ServerResponse, reply: Reply): void {
  const body = Buffer.from(reply.body);
  response.writeHead(reply.status, {
    'content-type': reply.contentType ?? 'text/plain; charset=utf-8',
    'content-length': body.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    ...(reply.allow !== undefined && { allow: reply.allow }),
    // Nobody reads it, so nothing can come behind it.
    ...(hasBody(request) && { connection: 'close' }),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

const nameOf = ({ remoteAddress }: { readonly remoteAddress?: string | undefined }): string =>
  remoteAddress === undefined ? 'unix socket' : plainAddress(remoteAddress);
