import type { IncomingMessage } from 'node:http';
import { ValueError } from '../config/problem.ts';
import type { History } from '../status/history.ts';
import type { SessionSummary } from '../telemetry/sessionSummary.ts';
import { controlRefusal, operatorOf, refusal, statusRefusal, type Access } from './access.ts';
import type { Control } from './control.ts';
import { parseExplainQuery } from './explainQuery.ts';
import { PAGE_HEADERS, statusPage } from './page/page.ts';

/** What the admin listener serves. */
export interface AdminSource {
  /** Prometheus text. */
  readonly metrics: () => Promise<{ contentType: string; body: string }>;
  /** True while the process can serve initiators. */
  readonly isReady: () => boolean;
  /** Absent: a stub, which knows nothing of sessions and has no rules. */
  readonly control?: Control;
  /** Absent: a stub. */
  readonly status?: Pick<History, 'read' | 'look'>;
}

export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Methods, of a 405. */
  readonly allow?: string;
  /** Why it was refused, for the log. */
  readonly refused?: string;
}

/** Never throws: a fault of ours is a 500, without a word about it. */
export async function answer(request: IncomingMessage, access: Access, source: AdminSource): Promise<Reply> {
  const refused = refusal(request, access);
  if (refused !== undefined) return forbidden(refused);
  const path = request.url ?? '';
  const route = ROUTES.find(({ pattern }) => pattern.test(path));
  if (route === undefined)
    return text(404, 'here are /, /status.json, /metrics, /healthz, /readyz, /sessions and /explain');
  const notForThem = route.guard?.(request, access);
  if (notForThem !== undefined) return forbidden(notForThem);
  if (!route.methods.includes(request.method ?? '')) {
    const allow = route.methods.join(', ');
    return { ...text(405, `only ${allow}`), allow };
  }
  if (hasBody(request)) return text(413, 'no request here has a body');
  try {
    return await route.reply(source, { path, by: () => operatorOf(request, access) });
  } catch {
    return text(500, 'this could not be answered');
  }
}

interface Route {
  /** Of the whole request target, so that nothing else is a path: `/../`, `http://…`, `/sessions/7%00`. */
  readonly pattern: RegExp;
  readonly methods: readonly string[];
  /** Of what tells about sessions or rules, or changes something: why this request is refused. */
  readonly guard?: (request: IncomingMessage, access: Access) => string | undefined;
  readonly reply: (
    source: AdminSource,
    request: { path: string; by: () => string },
  ) => Reply | Promise<Reply>;
}

const READ = ['GET', 'HEAD'];

const ROUTES: readonly Route[] = [
  {
    pattern: /^\/metrics$/,
    methods: READ,
    reply: async ({ metrics }) => ({ status: 200, ...(await metrics()) }),
  },
  { pattern: /^\/healthz$/, methods: READ, reply: () => text(200, 'ok') },
  {
    pattern: /^\/readyz$/,
    methods: READ,
    reply: ({ isReady }) => (isReady() ? text(200, 'ready') : text(503, 'not ready')),
  },
  {
    pattern: /^\/$/,
    methods: READ,
    guard: statusRefusal,
    reply: async ({ status }) =>
      status === undefined
        ? NO_STATUS
        : {
            status: 200,
            body: statusPage(await status.look()),
            contentType: 'text/html; charset=utf-8',
            headers: PAGE_HEADERS,
          },
  },
  {
    pattern: /^\/status\.json$/,
    methods: READ,
    guard: statusRefusal,
    reply: async ({ status }) => (status === undefined ? NO_STATUS : json(200, await status.read())),
  },
  {
    pattern: /^\/sessions$/,
    methods: READ,
    guard: controlRefusal,
    reply: async ({ control }) =>
      control === undefined ? NO_SESSIONS : json(200, { sessions: await control.sessions() }),
  },
  {
    pattern: /^\/sessions\/[^/?]+$/,
    methods: ['DELETE'],
    guard: controlRefusal,
    reply: async ({ control }, { path, by }) => {
      if (control === undefined) return NO_SESSIONS;
      const id = parseId(path.slice('/sessions/'.length));
      if (id === undefined) return NO_SUCH_SESSION;
      const summary = summaryOf(control, id).catch(() => undefined); // begun first: once it ends it is listed no more
      if (!control.kill(id, by())) return NO_SUCH_SESSION;
      return json(202, { session: (await summary) ?? { id } });
    },
  },
  {
    pattern: /^\/explain(?:\?[!-~]*)?$/,
    methods: READ,
    guard: controlRefusal,
    reply: ({ control }, { path }) =>
      control === undefined ? NO_RULES : explanation(control, path.slice('/explain?'.length)),
  },
];

/** @returns undefined also of a session that is there: of a worker that is busy the last list is told, and it may be younger */
async function summaryOf(control: Control, id: number): Promise<SessionSummary | undefined> {
  return (await control.sessions()).find((session) => session.id === id);
}

function explanation(control: Control, query: string): Reply {
  try {
    return json(200, control.explain(parseExplainQuery(query)));
  } catch (error) {
    if (error instanceof ValueError) return json(400, { error: error.message, hint: error.hint });
    throw error;
  }
}

/** Only as we write it: `7`, not `07`, `+7`, `7.0` or what a number could not hold exactly. */
function parseId(text: string): number | undefined {
  const id = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : undefined;
  return Number.isSafeInteger(id) ? id : undefined;
}

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || !/^0*$/.test(headers['content-length'] ?? '');
}

const text = (status: number, line: string): Reply => ({ status, body: `${line}\n` });
const json = (status: number, value: unknown): Reply => ({
  status,
  body: `${JSON.stringify(value)}\n`,
  contentType: 'application/json; charset=utf-8',
});
const forbidden = (refused: string): Reply => ({ ...text(403, refused), refused });
const NO_SESSIONS = text(404, 'a stub knows no sessions: ask the gateway');
const NO_SUCH_SESSION = text(404, 'no such session');
const NO_STATUS = text(404, 'a stub has no status page: ask the gateway');
const NO_RULES = text(404, 'a stub has no rules: ask the gateway');
