import { once } from 'node:events';
import net, { type NetConnectOpts } from 'node:net';
import { onTestFinished } from 'vitest';
import { startAdminServer, type AdminOptions, type AdminServer } from '../../src/admin/adminServer.ts';
import { explain } from '../../src/explain/explanation.ts';
import { readQuestion } from '../../src/explain/readQuestion.ts';
import type { SessionSummary } from '../../src/telemetry/sessionSummary.ts';
import { initiatorRule } from './initiatorRule.ts';

export const SESSION: SessionSummary = {
  id: 7,
  initiator: 'iqn.1993-08.org.debian:01:db1',
  rule: 'db1 at config/gateway.yaml:12:3',
  certificate: 'spiffe://example.org/db1',
  sha256: 'ab'.repeat(32),
  serial: '01',
  address: '203.0.113.7',
  target: 'iqn.2026-01.org.example:disk1',
  backend: 'array1',
  portal: '10.0.0.5:3260',
  since: '2026-11-22T13:03:44.591Z',
  commands: 12_345,
  denials: 3,
  fromInitiator: { pdus: 20_000, bytes: 1_288_490_189 },
  fromTarget: { pdus: 30_000, bytes: 566_231_040 },
};

const RULES = [initiatorRule()];

/** An admin listener whose gateway is these sessions and one rule; what is asked of it is kept. */
export class AdminListener {
  readonly killed: { id: number; by: string }[] = [];
  readonly refused: { address: string; why: string }[] = [];
  sessions: readonly SessionSummary[];
  server!: AdminServer;
  #where!: NetConnectOpts;

  private constructor(sessions: readonly SessionSummary[]) {
    this.sessions = sessions;
  }

  /** At loopback unless told; it ends with the test. */
  static async start(
    options: Partial<AdminOptions> = {},
    sessions: readonly SessionSummary[] = [SESSION],
  ): Promise<AdminListener> {
    const listener = new AdminListener(sessions);
    const { address = { host: '127.0.0.1', port: 0 } } = options;
    listener.server = await startAdminServer({
      address,
      metrics: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', body: 'metrics 1\n' }),
      isReady: () => true,
      control: {
        sessions: () => listener.sessions,
        kill: (id, by) => {
          const isThere = listener.sessions.some((session) => session.id === id);
          if (isThere) listener.killed.push({ id, by });
          return isThere;
        },
        explain: (question) => explain(RULES, readQuestion(RULES, question)),
      },
      onRefused: (address, why) => void listener.refused.push({ address, why }),
      ...options,
    });
    onTestFinished(() => listener.server.close());
    const { address: host, port } = listener.server.address ?? {};
    listener.#where = 'socket' in address ? { path: address.socket } : { host: host!, port: port! };
    return listener;
  }

  get port(): number {
    return this.server.address!.port;
  }

  connect(): net.Socket {
    const socket = net.connect(this.#where);
    onTestFinished(() => void socket.destroy());
    return socket;
  }

  /** One request on a connection of its own, with just these headers; Host is 127.0.0.1 unless one is given. */
  async ask(request: string, headers: Readonly<Record<string, string>> = {}, body = ''): Promise<HttpAnswer> {
    const lines = Object.entries({ Host: '127.0.0.1', Connection: 'close', ...headers });
    const head = [`${request} HTTP/1.1`, ...lines.map(([name, value]) => `${name}: ${value}`)];
    return this.send(`${head.join('\r\n')}\r\n\r\n${body}`);
  }

  /** Whatever these bytes bring, until the connection ends. */
  async send(bytes: string): Promise<HttpAnswer> {
    const socket = this.connect();
    const answer = read(socket);
    socket.write(bytes);
    return answer;
  }
}

export interface HttpAnswer {
  /** 0 if the connection ended without an answer. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** All that comes until the connection ends, however it does. */
export async function read(socket: net.Socket): Promise<HttpAnswer> {
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  socket.on('error', () => {});
  await once(socket, 'close');
  const [head = '', ...body] = text.split('\r\n\r\n');
  const [first = '', ...lines] = head.split('\r\n');
  const headers = lines.map((line) => line.split(': ', 2) as [string, string]);
  return {
    status: Number(first.split(' ')[1] ?? 0),
    headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])),
    body: body.join('\r\n\r\n'),
  };
}
