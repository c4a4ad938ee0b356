import { normalize } from 'node:path';
import type { z } from 'zod';
import { formatPortal, type Portal } from '../iscsi/targetAddress.ts';
import { covers } from './addressSet.ts';
import {
  addressRange,
  adminAddress,
  ENTRY_NAME,
  filePath,
  iscsiName,
  portal,
  seconds,
  targetPattern,
} from './fields.ts';
import type { Findings } from './findings.ts';
import { isLoopback } from './portal.ts';
import { formatPath, quote, type ConfigPath } from './problem.ts';
import { keysAt, valueAt } from './valueAt.ts';
import { LEAST_WAITING_SECONDS, WARM_TUNNEL_SECONDS } from './warmTunnelLife.ts';

const dialled = portal({ defaultPort: 3260, purpose: 'dial' });
const listening = (defaultPort: number) => portal({ defaultPort, purpose: 'listen' });

/** A gateway's file given to a stub, or the reverse: said alone, for each of its keys would be a mistake. @throws ConfigError */
export function refuseOtherRole(input: unknown, role: 'gateway' | 'stub', findings: Findings): void {
  const keys = keysAt(input, []);
  const [own, foreign] = role === 'gateway' ? ['backends', 'gateways'] : ['gateways', 'backends'];
  if (keys.includes(own) || !keys.includes(foreign)) return;
  const [actual, check] =
    role === 'gateway' ? ['stub', 'sangate check --stub'] : ['gateway', 'sangate check'];
  findings.problem(
    { path: [foreign], at: { path: [foreign], part: 'key' } },
    `this is the configuration of a ${actual}, not of a ${role}`,
    `check it with \`${check}\`, run it with \`sangate ${actual} --config\``,
  );
  findings.conclude();
}

/**
 * What takes more than one value to judge. The input is looked at value by value, so that a mistake in one place hides
 * none in another; values that the schema refuses are passed over here.
 */
export function crossCheckGateway(input: unknown, findings: Findings): void {
  const backends = keysAt(input, ['backends']).map((id) => ['backends', id]);
  const initiators = keysAt(input, ['initiators']).map((id) => ['initiators', id]);
  const listeners = keysAt(input, ['listen']).map((index) => ['listen', index, 'address']);
  refuseDuplicates(input, listeners, listening(3261), portalKey, findings);
  refuseDuplicates(
    input,
    initiators.map((path) => [...path, 'iqn']),
    iscsiName,
    String,
    findings,
    'join the two entries: one initiator name is one entry',
  );
  for (const path of backends) {
    refuseDuplicates(input, childrenOf(input, [...path, 'portals']), dialled, portalKey, findings);
    warnOfCovered(input, [...path, 'redirectsTo'], findings);
  }
  for (const path of initiators) {
    warnOfCovered(input, [...path, 'from'], findings);
    warnOfAccess(input, [...path, 'access'], findings);
    warnOfShadow(input, path, findings);
  }
  for (const section of ['backends', 'initiators']) {
    if (valueAt(input, [section]) === undefined || keysAt(input, [section]).length > 0) continue;
    findings.warning({ path: [section] }, 'there is no entry', 'add one; until then nobody can log in');
  }
  refuseNames([...backends, ...initiators], findings);
  warnOfShortWaiting(input, findings);
  checkAdmin(input, 9260, findings);
  refuseInitiatorsAsOperators(input, findings);
}

export function crossCheckStub(input: unknown, findings: Findings): void {
  refuseDuplicates(
    input,
    childrenOf(input, ['gateways']),
    portal({ defaultPort: 3261, purpose: 'dial' }),
    portalKey,
    findings,
  );
  const listen = listening(3260).safeParse(valueAt(input, ['listen']));
  if (listen.success && !isLoopback(listen.data.host)) {
    findings.warning(
      { path: ['listen'] },
      'whoever reaches this address uses the certificate of this stub',
      'listen at 127.0.0.1:3260 unless the network in front is trusted',
    );
  }
  checkAdmin(input, 9261, findings);
}

function refuseNames(paths: readonly ConfigPath[], findings: Findings): void {
  for (const path of paths) {
    const name = String(path.at(-1));
    if (ENTRY_NAME.test(name)) continue;
    findings.problem(
      { path, at: { path, part: 'key' } },
      `${quote(name)} cannot be the name of an entry`,
      'write letters, digits and . _ - (at most 63, a letter or digit first)',
    );
  }
}

function refuseDuplicates<T>(
  input: unknown,
  paths: readonly ConfigPath[],
  schema: z.ZodType<T>,
  keyOf: (value: T) => string | undefined,
  findings: Findings,
  hint = 'remove one of the two',
): void {
  const first = new Map<string, ConfigPath>();
  for (const path of paths) {
    const { success, data } = schema.safeParse(valueAt(input, path));
    const key = success ? keyOf(data) : undefined;
    if (key === undefined) continue;
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, path);
    else
      findings.problem(
        { path },
        `${quote(key)} is already at ${formatPath(earlier)} (${findings.location(earlier, 'value')})`,
        hint,
      );
  }
}

/** Listeners on port 0 get a port each from the kernel. */
function portalKey(at: Portal): string | undefined {
  return at.port === 0 ? undefined : formatPortal(at);
}

function warnOfCovered(input: unknown, path: ConfigPath, findings: Findings): void {
  const ranges = childrenOf(input, path).flatMap((item) => {
    const { success, data } = addressRange.safeParse(valueAt(input, item));
    return success ? [{ item, range: data }] : [];
  });
  for (const [index, { item, range }] of ranges.entries()) {
    // Of two equal ranges, the second is the one too many.
    const outer = ranges.find(
      (other, at) =>
        at !== index && covers(other.range, range) && (at < index || !covers(range, other.range)),
    );
    if (outer === undefined) continue;
    findings.warning(
      { path: item },
      `${range.text} adds nothing: ${outer.range.text} covers it`,
      'remove the narrower one, or the wider one if it is too wide',
    );
  }
}

function warnOfAccess(input: unknown, path: ConfigPath, findings: Findings): void {
  const seen = new Set<string>();
  for (const item of childrenOf(input, path)) {
    const at = { path: [...item, 'target'] };
    const { success, data } = targetPattern.safeParse(valueAt(input, at.path));
    if (!success) continue;
    if (/^\*+$/.test(data))
      findings.warning(
        at,
        'this shows every target of every backend',
        'write the names, or the part that they have in common',
      );
    if (seen.has(data)) findings.warning(at, `${quote(data)} is written twice`, 'remove one of the two');
    seen.add(data);
  }
}

function warnOfShadow(input: unknown, initiator: ConfigPath, findings: Findings): void {
  const path = [...initiator, 'shadow'];
  if (valueAt(input, path) !== true) return;
  findings.warning(
    { path },
    `${String(initiator.at(-1))}: access is not enforced (shadow: true)`,
    'remove this line when the log shows no denial that should pass',
  );
}

function warnOfShortWaiting(input: unknown, findings: Findings): void {
  const path = ['limits', 'waitingSeconds'];
  const { success, data } = seconds(600).safeParse(valueAt(input, path));
  if (!success || data >= LEAST_WAITING_SECONDS) return;
  findings.warning(
    { path },
    `a stub keeps a tunnel for ${WARM_TUNNEL_SECONDS} s, and until another one is there: what this gateway closes before is dialled again and again`,
    `write ${LEAST_WAITING_SECONDS} or more, or remove this line`,
  );
}

function checkAdmin(input: unknown, defaultPort: number, findings: Findings): void {
  const path = ['admin', 'address'];
  const tls = ['admin', 'tls'];
  const hasTls = valueAt(input, tls) !== undefined;
  const { success, data } = adminAddress(defaultPort).safeParse(valueAt(input, path));
  if (!success) return;
  if ('socket' in data) {
    if (!hasTls) return;
    findings.problem(
      { path: tls, at: { path: tls, part: 'key' } },
      'there is no TLS on a unix socket: the modes of its file and folder say who may use it',
      'remove tls, or write address: host:port',
    );
  } else if (!hasTls && !isLoopback(data.host)) {
    findings.warning(
      { path },
      'whoever reaches this address is served metrics and health over plain HTTP; the metrics of a gateway name initiators, targets and arrays, and say how much each does',
      'listen at 127.0.0.1 or a unix socket, or give admin.tls, or keep others away with a firewall',
    );
  }
}

/** An initiator's certificate must not be enough to end the sessions of others. */
function refuseInitiatorsAsOperators(input: unknown, findings: Findings): void {
  const path = ['admin', 'tls', 'clientCa'];
  const fileAt = (path: ConfigPath): string | undefined => {
    const { success, data } = filePath.safeParse(valueAt(input, path));
    return success ? normalize(data) : undefined;
  };
  const operators = fileAt(path);
  if (operators === undefined) return;
  const initiators = keysAt(input, ['listen']).map((index) => ['listen', index, 'tls', 'clientCa']);
  const same = initiators.find((ca) => fileAt(ca) === operators);
  if (same === undefined) return;
  findings.problem(
    { path },
    `every initiator could end every session: this is the CA at ${formatPath(same)} (${findings.location(same, 'value')}) as well`,
    'make a CA for operators, with `sangate pki init --dir` and another folder, and name its ca.crt',
  );
}

function childrenOf(input: unknown, path: ConfigPath): ConfigPath[] {
  return keysAt(input, path).map((index) => [...path, index]);
}
