import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AdminOptions {
  readonly host: string;
  readonly port: number;
  /** Prometheus text. */
  readonly metrics: () => Promise<{ contentType: string; body: string }>;
  /** True while the process can serve initiators. */
  readonly isReady: () => boolean;
}

export interface AdminServer {
  readonly address: AddressInfo;
  close(): Promise<void>;
}

/** `/metrics`, `/healthz` and `/readyz` over plain HTTP; for loopback and management networks. */
export async function startAdminServer(options: AdminOptions): Promise<AdminServer> {
  const server = http.createServer({ requestTimeout: 10_000 }, (request, response) => {
    void answer(request, response, options);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.host, port: options.port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    address: server.address() as AddressInfo,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  options: AdminOptions,
): Promise<void> {
  const reply = (status: number, body: string, contentType = 'text/plain; charset=utf-8'): void => {
    response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
  if (request.method !== 'GET' && request.method !== 'HEAD') return reply(405, 'only GET\n');
  switch (request.url ?? '') {
    case '/metrics': {
      try {
        const { contentType, body } = await options.metrics();
        return reply(200, body, contentType);
      } catch {
        return reply(500, 'the metrics could not be collected\n');
      }
    }
    case '/healthz':
      return reply(200, 'ok\n');
    case '/readyz':
      return options.isReady() ? reply(200, 'ready\n') : reply(503, 'not ready\n');
    default:
      return reply(404, 'here are /metrics, /healthz and /readyz\n');
  }
}
