/** Reads or writes on a disk, for a while. */
export interface Transfer {
  readonly kind: 'transfer';
  readonly operation: 'read' | 'write';
  readonly bytes: number;
  readonly isRandom: boolean;
  readonly depth: number;
  readonly sessions: number;
}

/** Sessions opened and logged out, one after another in each of several hands. */
export interface Logins {
  readonly kind: 'logins';
  /** Each login asks for the targets first, in a session of its own. */
  readonly withDiscovery: boolean;
  readonly concurrency: number;
}

export type Work = Transfer | Logins;

const KIB = 1024;

/** In the order of the table; the names are what `--only` takes. */
export const WORKS = {
  'read-64k': transfer('read', 64 * KIB, false, 32, 1),
  'write-64k': transfer('write', 64 * KIB, false, 32, 1),
  'read-4k': transfer('read', 4 * KIB, true, 32, 1),
  'write-4k': transfer('write', 4 * KIB, true, 32, 1),
  'read-4k-depth1': transfer('read', 4 * KIB, true, 1, 1),
  'write-4k-depth1': transfer('write', 4 * KIB, true, 1, 1),
  'read-64k-8sessions': transfer('read', 64 * KIB, false, 32, 8),
  'write-64k-8sessions': transfer('write', 64 * KIB, false, 32, 8),
  'read-4k-8sessions': transfer('read', 4 * KIB, true, 32, 8),
  'write-4k-8sessions': transfer('write', 4 * KIB, true, 32, 8),
  login: { kind: 'logins', withDiscovery: false, concurrency: 8 },
  'discovery-login': { kind: 'logins', withDiscovery: true, concurrency: 8 },
} as const satisfies Record<string, Work>;

export type WorkName = keyof typeof WORKS;

export function describeWork(work: Work): string {
  if (work.kind === 'logins') {
    return work.withDiscovery ? 'discovery, then login (TLS, CHAP)' : 'login (TLS, CHAP)';
  }
  const { operation, bytes, isRandom, depth, sessions } = work;
  const order = isRandom ? 'random' : 'sequential';
  return `${bytes / KIB} KiB ${order} ${operation}, depth ${depth}${sessions > 1 ? `, ${sessions} sessions` : ''}`;
}

function transfer(
  operation: 'read' | 'write',
  bytes: number,
  isRandom: boolean,
  depth: number,
  sessions: number,
): Transfer {
  return { kind: 'transfer', operation, bytes, isRandom, depth, sessions };
}
