import { z } from 'zod';

/** What an audit line can be about. The names stay: whoever searches old trails relies on them. */
export const AUDIT_ACTIONS = [
  // the gateway itself
  'gateway-start',
  'gateway-stop',
  'gateway-drain',
  'worker-lost',
  'configuration-reload',
  // those who come
  'connection',
  'tls-handshake',
  'login',
  'duplicate-initiator',
  'discovery',
  'session-end',
  'session-kill',
  // inside a session
  'command-denied',
  'command-passed',
  // the certificate authority
  'pki-init',
  'pki-issue',
  'pki-revoke',
  'pki-renew-crl',
  // the trail itself
  'audit-file-begun',
  'audit-lines-lost',
  'audit-tail-set-aside',
  'audit-damaged',
] as const;

export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** What becomes one line. Every field has a place in the schema; there is none that a secret could come in by. */
export interface AuditEntry {
  readonly action: AuditAction;
  readonly outcome: 'success' | 'failure';
  /** The word of `failures.ts`, or of the policy. */
  readonly reason?: string;
  /** For a person. */
  readonly message?: string;
  readonly sourceIp?: string;
  /** Who it was: an initiator name; of a PKI act the user of the operating system. */
  readonly user?: string;
  /** The rule that decided, and where it stands: `db1`, `config/gateway.yaml:12:3`. */
  readonly rule?: { readonly name: string; readonly reference?: string };
  readonly file?: string;
  /** Of the program that starts. */
  readonly version?: string;
  readonly own?: Own;
}

/** Of this schema's lines; a change that a reader could stumble over gets the next number. */
const SCHEMA_VERSION = 1;

const count = z.int().min(0);
const hash = z.string().regex(/^[0-9a-f]{64}$/);

const own = z.strictObject({
  certificate: z.string().optional().meta({
    description: 'Shortest name that the certificate carries: a URI, a DNS name, the CN or the fingerprint.',
  }),
  sessionType: z.enum(['Normal', 'Discovery']).optional(),
  shadow: z
    .string()
    .optional()
    .meta({ description: 'Why the login would be denied, were its rule not in shadow.' }),
  session: count.optional().meta({ description: 'Number of the session, since the gateway was started.' }),
  target: z.string().optional().meta({ description: 'Target name.' }),
  backend: z.string().optional().meta({ description: 'The key under `backends:`.' }),
  portal: z.string().optional().meta({ description: "The array's portal." }),
  told: z.string().optional().meta({ description: 'What the peer was told.' }),
  operationCode: count.optional().meta({ description: 'Of a SCSI command.' }),
  taskFunction: count.optional().meta({ description: 'Of a task management request.' }),
  lun: z
    .string()
    .optional()
    .meta({ description: 'Logical unit: its number; of a form that is refused, its 8 bytes in hex.' }),
  effect: z
    .string()
    .optional()
    .meta({ description: 'Why a command that passed is told: `reserve`, or what it destroys.' }),
  enforced: z.boolean().optional().meta({ description: 'False: denied by a shadow rule, and passed.' }),
  by: z.string().optional().meta({ description: 'Who ended the session.' }),
  denials: count.optional().meta({
    description: 'All requests denied in the session.',
  }),
  suppressed: count.optional().meta({
    description:
      'Lines of the same kind that were left out before this one, in a flood; at the end of a session all of its own that were.',
  }),
  fromInitiator: count.optional().meta({ description: 'Bytes of iSCSI.' }),
  fromTarget: count.optional().meta({ description: 'Bytes of iSCSI.' }),
  serial: z.string().optional().meta({ description: 'Serial number of a certificate, hex.' }),
  sha256: hash.optional().meta({ description: 'Its fingerprint.' }),
  other: z
    .strictObject({ address: z.string(), sha256: hash, serial: z.string() })
    .optional()
    .meta({ description: 'Who has the same initiator name: its address and certificate.' }),
  lost: z
    .strictObject({ lines: count, since: z.string(), until: z.string() })
    .optional()
    .meta({ description: 'Lines that could not be written.' }),
  previous: z
    .strictObject({ file: z.string().optional(), seq: count, hash })
    .optional()
    .meta({ description: 'The line before this one, which is in another file.' }),
  removed: z.array(z.string()).optional().meta({ description: 'Rotated files that `keep` had removed.' }),
  torn: z
    .strictObject({ file: z.string(), bytes: count, sha256: hash })
    .optional()
    .meta({ description: 'An incomplete last line, and the file where it is kept.' }),
});

type Own = z.output<typeof own>;

/** One line of the trail: ECS names, our own under `sangate`. */
export const auditLine = z.strictObject({
  '@timestamp': z.iso.datetime({ precision: 3 }).meta({ description: 'When it happened, UTC.' }),
  ecs: z.strictObject({ version: z.literal('8.11.0') }),
  event: z.strictObject({
    dataset: z.literal('sangate.audit'),
    action: z.enum(AUDIT_ACTIONS),
    outcome: z.enum(['success', 'failure']),
    reason: z.string().optional(),
  }),
  message: z.string().optional(),
  source: z
    .strictObject({ ip: z.string() })
    .optional()
    .meta({ description: 'Remote address of the tunnel.' }),
  user: z.strictObject({ name: z.string() }).optional().meta({
    description: 'The initiator name; of a PKI act the user of the operating system.',
  }),
  rule: z.strictObject({ name: z.string(), reference: z.string().optional() }).optional().meta({
    description: 'The rule that decided, and file, line and column where it stands.',
  }),
  file: z.strictObject({ path: z.string() }).optional(),
  service: z.strictObject({ version: z.string() }).optional(),
  process: z.strictObject({ pid: count }),
  sangate: own
    .extend({
      schema: z.literal(SCHEMA_VERSION),
      chain: z.strictObject({
        seq: z
          .int()
          .min(1)
          .meta({ description: 'Counts the lines of the trail, over all its files, from 1.' }),
        prev: hash.meta({ description: 'Hash of the line before; 64 zeros in line 1.' }),
        hash: hash.meta({ description: 'SHA-256 of all bytes of this line that stand before `,"hash":`.' }),
      }),
    })
    .meta({ description: 'What ECS has no name for. The chain stands last.' }),
});

/** A line that has no place in the chain yet. */
export type UnchainedLine = Omit<z.input<typeof auditLine>, 'sangate'> & {
  readonly sangate: Omit<z.input<typeof auditLine>['sangate'], 'chain'>;
};

/** Longest text that is taken from the wire or from an error; names have 223 bytes at most (RFC 7143 §4.2.7.1). */
const MAX_TEXT = 1024;

/** @param at milliseconds since 1970 */
export function lineOf(entry: AuditEntry, at: number): UnchainedLine {
  const { action, outcome, reason, message, sourceIp, user, rule, file, version, own } = entry;
  return bounded({
    '@timestamp': new Date(at).toISOString(),
    ecs: { version: '8.11.0' },
    event: { dataset: 'sangate.audit', action, outcome, ...(reason !== undefined && { reason }) },
    ...(message !== undefined && { message }),
    ...(sourceIp !== undefined && { source: { ip: sourceIp } }),
    ...(user !== undefined && { user: { name: user } }),
    ...(rule !== undefined && { rule }),
    ...(file !== undefined && { file: { path: file } }),
    ...(version !== undefined && { service: { version } }),
    process: { pid: process.pid },
    sangate: { schema: SCHEMA_VERSION, ...own },
  });
}

/** Cuts every text; what a peer sent must not make a line long. */
function bounded<T>(value: T): T {
  if (typeof value === 'string')
    return (value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value) as T;
  if (Array.isArray(value)) return value.map(bounded) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, bounded(inner)])) as T;
}
