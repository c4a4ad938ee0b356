import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { Failure } from '../failures.ts';
import type { Portal } from '../iscsi/targetAddress.ts';
import { tlsClientFailure } from '../tls/clientFailure.ts';
import { listen } from '../transport/listen.ts';
import { admitTls } from '../tls/gate.ts';
import { plainAddress } from '../transport/plainAddress.ts';
import { accessAt } from './access.ts';
import { answer, hasBody, type AdminSource, type Reply } from './answer.ts';
import { oneAtATime } from './oneAtATime.ts';
import { SharedText } from './sharedText.ts';
import { listenAtSocket } from './unixSocket.ts';

export interface AdminOptions extends AdminSource {
  /** A portal, or the absolute path of a unix socket. */
  readonly address: Portal | { readonly socket: string };
  /** Must ask for a client certificate; only who has a valid one is served. Absent: plain HTTP. */
  readonly tls?: TlsOptions;
  /** Hears of everybody who was turned away. */
  readonly onRefused: (address: string, why: string) => void;
}

export interface AdminServer {
  /** Absent at a unix socket. */
  readonly address?: AddressInfo;
  /** Takes new certificates; connections that began under the old ones end, handshakes under way included. For a server with TLS. */
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
/** Then a client has to show its certificate anew. */
const MAX_REQUESTS = 1_000;
/** Of the metrics, in a second. Several servers of Prometheus may ask at once; anybody may where there is no TLS. */
const MAX_RENDERINGS = 4;

/** Status, metrics, health and sessions over HTTP. @throws its listener's error */
export async function startAdminServer({
  address,
  tls,
  onRefused,
  ...source
}: AdminOptions): Promise<AdminServer> {
  const server = tls ? tlsServer(tls, onRefused) : http.createServer(LIMITS);
  server.maxConnections = MAX_CONNECTIONS;
  server.maxRequestsPerSocket = MAX_REQUESTS;
  server.timeout = IDLE_TIMEOUT;
  const connections = new Set<Socket>();
  server.on('connection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  const endConnections = (): void => {
    for (const socket of connections) socket.destroy();
  };
  server.on('drop', (dropped) => {
    onRefused(nameOf(dropped ?? {}), `there are ${MAX_CONNECTIONS} connections already`);
  });
  const at =
    'socket' in address ? await listenAtSocket(server, address.socket) : await listen(server, address);
  const access = accessAt(at, tls !== undefined);
  const peerOf = ({ socket }: http.IncomingMessage): string =>
    access === 'socket' ? 'unix socket' : nameOf(socket);
  const metrics = new SharedText(source.metrics, MAX_RENDERINGS);
  const shared: AdminSource = { ...source, metrics: () => metrics.read() };
  oneAtATime(server, {
    onRequest: (request, response) => {
      void answer(request, access, shared).then((reply) => {
        if (reply.refused !== undefined) onRefused(peerOf(request), reply.refused);
        send(request, response, reply);
      });
    },
    onPipelined: (request) =>
      onRefused(peerOf(request), 'it sent a request before it had the answer to the last'),
  });
  return {
    ...(typeof at !== 'string' && { address: at }),
    renewTls: (options) => {
      if (!(server instanceof https.Server)) return;
      server.setSecureContext(options);
      endConnections();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        endConnections();
      }),
  };
}

/** Both listeners come first: Node's own read the request, and destroy the socket, which then forgets its address. */
function tlsServer(tls: TlsOptions, onRefused: AdminOptions['onRefused']): https.Server {
  // Refusing is left to `admitTls`, which says why.
  const server = https.createServer({
    ...LIMITS,
    ...tls,
    rejectUnauthorized: false,
    handshakeTimeout: HANDSHAKE_TIMEOUT,
  });
  server.prependListener('secureConnection', (socket) => {
    try {
      admitTls(socket);
    } catch (error) {
      onRefused(nameOf(socket), reasonOf(Failure.from(error)));
      socket.destroy();
    }
  });
  server.prependListener('tlsClientError', (error, socket) => {
    onRefused(nameOf(socket), reasonOf(tlsClientFailure(error)));
  });
  return server;
}

const reasonOf = ({ reason, message }: Failure): string => `${reason}: ${message}`;

function send(request: http.IncomingMessage, response: http.ServerResponse, reply: Reply): void {
  const body = Buffer.from(reply.body);
  response.writeHead(reply.status, {
    'content-type': reply.contentType ?? 'text/plain; charset=utf-8',
    'content-length': body.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    ...reply.headers,
    ...(reply.allow !== undefined && { allow: reply.allow }),
    // Nobody reads it, so nothing can come behind it.
    ...(hasBody(request) && { connection: 'close' }),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** A connection that broke has no address any more, and one at a unix socket never had. */
const nameOf = ({ remoteAddress }: { readonly remoteAddress?: string | undefined }): string =>
  remoteAddress === undefined ? 'unknown' : plainAddress(remoteAddress);
