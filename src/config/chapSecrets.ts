import { resolve } from 'node:path';
import { UNREAD_SECRET, type Secret } from '../policy/secret.ts';
import { secretReference } from './fields.ts';
import type { Findings } from './findings.ts';
import { formatPath, ValueError, type ConfigPath } from './problem.ts';
import { resolveSecret, type SecretSource } from './secretReference.ts';
import { keysAt, valueAt } from './valueAt.ts';

/** Resolved secrets by the path of their reference. */
export interface ChapSecrets {
  at(path: ConfigPath): Secret;
  /** Absolute paths of the files that were read. */
  readonly files: readonly string[];
}

/** For those who authenticate nobody: no file is opened, and each secret fails whoever wants to use it. */
export const UNREAD_SECRETS: ChapSecrets = { at: () => UNREAD_SECRET, files: [] };

interface Leg {
  readonly section: 'backends' | 'initiators';
  readonly secret: Found | undefined;
  readonly mutual: Found | undefined;
}

interface Found {
  readonly path: ConfigPath;
  readonly secret: Secret;
}

/**
 * Reads every secret that the input refers to, and reports those that are unusable or used in two places where they
 * must differ. Input that the schema refuses is passed over here.
 */
export function resolveChapSecrets(
  input: unknown,
  directory: string,
  source: SecretSource,
  findings: Findings,
): ChapSecrets {
  const byPath = new Map<string, Secret>();
  const files: string[] = [];
  const find = (path: ConfigPath): Found | undefined => {
    const reference = secretReference.safeParse(valueAt(input, path));
    if (!reference.success) return undefined;
    try {
      const secret = resolveSecret(reference.data, directory, source);
      byPath.set(JSON.stringify(path), secret);
      if ('file' in reference.data) files.push(resolve(directory, reference.data.file));
      return { path, secret };
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      findings.problem({ path }, error.message, error.hint);
      return undefined;
    }
  };
  const legs = (['backends', 'initiators'] as const).flatMap((section) =>
    keysAt(input, [section]).map((id): Leg => {
      const chap = [section, id, 'chap'];
      return { section, secret: find([...chap, 'secret']), mutual: find([...chap, 'mutual', 'secret']) };
    }),
  );
  reportReuse(legs, findings);
  return { at: (path) => byPath.get(JSON.stringify(path))!, files };
}

/**
 * RFC 7143 §9.2.1: secrets for the two directions must differ, or a peer could have its challenge answered by the very
 * side that sent it. A secret of both legs would let an array log in as an initiator.
 */
function reportReuse(legs: readonly Leg[], findings: Findings): void {
  for (const { secret, mutual } of legs) {
    if (secret !== undefined && mutual !== undefined && same(secret, mutual)) {
      findings.problem(
        { path: mutual.path },
        `this is the same secret as ${formatPath(secret.path)}`,
        'use another secret for each direction (RFC 7143 §9.2.1)',
      );
    }
  }
  const secretsOf = (section: Leg['section']) =>
    legs
      .filter((leg) => leg.section === section)
      .flatMap(({ secret, mutual }) => [secret, mutual].filter((found) => found !== undefined));
  for (const backend of secretsOf('backends')) {
    const initiator = secretsOf('initiators').find((other) => same(backend, other));
    if (initiator === undefined) continue;
    findings.problem(
      { path: backend.path },
      `this is the same secret as ${formatPath(initiator.path)}`,
      'use one secret toward the array and another toward the initiator',
    );
  }
  warnOfSharing(legs, findings);
}

function warnOfSharing(legs: readonly Leg[], findings: Findings): void {
  const logins = legs.flatMap(({ section, secret }) =>
    section === 'initiators' && secret !== undefined ? [secret] : [],
  );
  for (const [index, found] of logins.entries()) {
    const first = logins.slice(0, index).find((other) => same(found, other));
    if (first === undefined) continue;
    findings.warning(
      { path: found.path },
      `this is the same secret as ${formatPath(first.path)}`,
      'give each initiator a secret of its own',
    );
  }
}

function same(a: Found, b: Found): boolean {
  return Buffer.compare(a.secret.reveal(), b.secret.reveal()) === 0;
}
