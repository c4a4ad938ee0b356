import http from 'node:http';
import https from 'node:https';
import { z } from 'zod';
import { formatExplainQuery } from '../../admin/explainQuery.ts';
import type { UnixSocket } from '../../config/adminAddress.ts';
import { ValueError } from '../../config/problem.ts';
import type { Explanation } from '../../explain/explanation.ts';
import type { WrittenQuestion } from '../../explain/readQuestion.ts';
import { formatPortal, type Portal } from '../../iscsi/targetAddress.ts';
import { printable } from '../../telemetry/printable.ts';
import { sessionSummary, type SessionSummary } from '../../telemetry/sessionSummary.ts';
import type { Status } from '../../status/status.ts';
import type { StubCredentials } from '../../tls/credentials.ts';
import { expecting } from '../../tls/dial.ts';
import { explanationSchema } from '../../explain/explanationSchema.ts';
import { statusSchema } from '../../status/statusSchema.ts';

/** Where a gateway's admin listener is, and what to show it. */
export interface AdminPeer {
  readonly address: Portal | UnixSocket;
  /** True if a configuration says so: another one may be in force. */
  readonly isConfigured?: boolean;
  /** Absent: plain HTTP. */
  readonly credentials?: StubCredentials;
  /** What the listener's certificate must say, if that is not the host of the address. */
  readonly serverName?: string;
}

/** Who is on what. @throws Error that says what to do */
export async function listSessions(peer: AdminPeer): Promise<readonly SessionSummary[]> {
  const answer = await ask(peer, 'GET', '/sessions');
  if (answer.status !== 200) throw unexpected(peer, answer);
  return parsed(peer, answer, sessionList).sessions;
}

/** Everything at once. @throws Error that says what to do */
export async function readStatus(peer: AdminPeer): Promise<Status> {
  const answer = await ask(peer, 'GET', '/status.json');
  if (answer.status !== 200) throw unexpected(peer, answer);
  return parsed(peer, answer, statusSchema);
}

/** A session that is being ended: its number, and what else is known of it. */
type KilledSession = Pick<SessionSummary, 'id'> & Partial<SessionSummary>;

/** @returns the session that is being ended; undefined if there is none. @throws Error that says what to do */
export async function killSession(peer: AdminPeer, id: number): Promise<KilledSession | undefined> {
  const answer = await ask(peer, 'DELETE', `/sessions/${id}`);
  if (answer.status === 404 && answer.body === 'no such session\n') return undefined;
  if (answer.status !== 202) throw unexpected(peer, answer);
  return parsed(peer, answer, killed).session;
}

/** What the rules in force say. @throws ValueError if this cannot be asked; Error that says what to do */
export async function askToExplain(peer: AdminPeer, question: WrittenQuestion): Promise<Explanation> {
  const answer = await ask(peer, 'GET', `/explain?${formatExplainQuery(question)}`);
  if (answer.status === 400) {
    const { error, hint } = parsed(peer, answer, mistake);
    throw new ValueError(printable(error), printable(hint));
  }
  if (answer.status !== 200) throw unexpected(peer, answer);
  return parsed(peer, answer, explanationSchema);
}

const sessionList = z.object({ sessions: z.array(sessionSummary) });
const killed = z.object({ session: z.union([sessionSummary, sessionSummary.pick({ id: true })]) });
const mistake = z.object({ error: z.string(), hint: z.string() });

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** 100,000 sessions with long names are less. */
const MAX_ANSWER = 256 * 1024 * 1024;
const TIMEOUT = 10_000;

function ask(peer: AdminPeer, method: 'GET' | 'DELETE', path: string): Promise<Answer> {
  const { address, credentials, serverName } = peer;
  const common = {
    method,
    path,
    agent: false,
    signal: AbortSignal.timeout(TIMEOUT),
    ...('socket' in address ? { socketPath: address.socket } : address),
  } as const;
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => reject(explained(peer, error));
    const request = credentials
      ? https.request({
          ...common,
          cert: credentials.cert,
          key: Buffer.from(credentials.key.reveal()),
          ca: credentials.ca,
          minVersion: 'TLSv1.3',
          ...('host' in address && expecting({ host: address.host, ...(serverName && { serverName }) })),
        })
      : http.request(common);
    request.on('error', fail);
    request.on('response', (response) => {
      collect(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), fail);
    });
    request.end();
  });
}

async function collect(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_ANSWER) throw new Error(`the answer has more than ${MAX_ANSWER} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed<T>(peer: AdminPeer, { body }: Answer, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(body));
  } catch (cause) {
    throw new Error(
      `what answers at ${nameOf(peer)} is no gateway of this version: look at --admin, and at \`sangate --version\` on both sides`,
      { cause },
    );
  }
}

/** The listener's own words where it has any: they say what to configure. */
function unexpected(peer: AdminPeer, { status, body }: Answer): Error {
  const [line = ''] = body.split('\n');
  const words = printable(line.slice(0, 300)) || 'without a word about it';
  return new Error(`the admin listener at ${nameOf(peer)} answers ${status}: ${words}`);
}

function explained(peer: AdminPeer, error: NodeJS.ErrnoException): Error {
  const [why, what] = reasonOf(peer, error);
  return new Error(`the gateway cannot be asked at ${nameOf(peer)}: ${why} — ${what}`, { cause: error });
}

function reasonOf(
  { address, isConfigured, credentials }: AdminPeer,
  { code = '', name, message }: NodeJS.ErrnoException,
): readonly [why: string, what: string] {
  const elsewhere = isConfigured
    ? 'its admin address may have changed since the start: that holds after a restart; give the old one with --admin'
    : 'say where it listens with --admin, or name its configuration with --config';
  if (code === 'ECONNREFUSED' || code === 'ENOENT') {
    return [`nobody listens there (${code})`, `is the gateway running? If it is, ${elsewhere}`];
  }
  if (code === 'EACCES' && 'socket' in address) {
    return ['this user may not', 'run this as the user of the service, or as a member of its group'];
  }
  if (name === 'AbortError' || name === 'TimeoutError') {
    return [`no answer within ${TIMEOUT / 1000} seconds`, elsewhere];
  }
  if (credentials === undefined && (code === 'ECONNRESET' || code.startsWith('HPE_'))) {
    return [
      `this is no plain HTTP (${code})`,
      `give --cert, --key and --ca if admin.tls is configured; if not, ${elsewhere}`,
    ];
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return [
      'its certificate has another name',
      'say with --server-name one that it has, or dial such a one with --admin',
    ];
  }
  if (credentials !== undefined && (code === 'ECONNRESET' || code.startsWith('ERR_SSL_'))) {
    return [
      `it refuses this certificate (${code})`,
      'give --cert and --key of an operator; its log says more',
    ];
  }
  if (credentials !== undefined && code !== '' && !code.startsWith('E')) {
    return [`its certificate is not trusted (${code})`, 'give the authority of its certificate with --ca'];
  }
  return [printable(code || message), elsewhere];
}

function nameOf({ address }: AdminPeer): string {
  return 'socket' in address ? `unix:${address.socket}` : formatPortal(address);
}
