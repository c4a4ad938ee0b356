import type { AccessRule, InitiatorRule } from '../../../src/policy/rules.ts';

/** What the model's session may do: it begins under one of these and comes under others while it runs. */
export const POLICIES = {
  'read-only': { access: { luns: [0, 1], mode: 'read-only' }, rule: {} },
  'read-write': { access: { luns: [0, 1] }, rule: {} },
  open: { access: {}, rule: {} },
  shadow: { access: { luns: [0, 1], mode: 'read-only' }, rule: { shadow: true } },
} as const satisfies Record<string, { access: Partial<AccessRule>; rule: Partial<InitiatorRule> }>;

export type ModelPolicy = keyof typeof POLICIES;

export const POLICY_NAMES = Object.keys(POLICIES) as ModelPolicy[];

/** What an answer must be: data, a list of logical units, Text; or sense key, code and qualifier in hex. */
export type Outcome =
  'good' | 'read' | 'masked list' | 'whole list' | 'absent' | 'text' | '052500' | '072700' | '052000';

/** Outcomes of commands that the target has to see; of the others it must not see a byte. */
export const PASSED: ReadonlySet<Outcome> = new Set(['good', 'read', 'masked list', 'whole list']);

export interface Shape {
  readonly lun: string;
  /** First bytes of the CDB. */
  readonly cdb: string;
  readonly isRead: boolean;
  readonly outcomes: Readonly<Record<ModelPolicy, Outcome>>;
}

const hidden = { 'read-only': '052500', 'read-write': '052500' } as const;
const goes = (outcome: Outcome) => ({ open: outcome, shadow: outcome });
const same = (outcome: Outcome) => ({ 'read-only': outcome, 'read-write': outcome, ...goes(outcome) });
const writes = (outcome: Outcome) => ({ ...same(outcome), 'read-only': '072700' }) as const;
const masked = { 'read-only': 'masked list', 'read-write': 'masked list' } as const;
const absent = { 'read-only': 'absent', 'read-write': 'absent' } as const;

export const SHAPES: readonly Shape[] = [
  { lun: '0000', cdb: '28', isRead: true, outcomes: same('read') },
  { lun: '4001', cdb: '88', isRead: true, outcomes: same('read') },
  { lun: '0000', cdb: '35', isRead: false, outcomes: same('good') },
  { lun: '0000', cdb: 'a000000000000000ffff', isRead: true, outcomes: { ...masked, ...goes('whole list') } },
  { lun: '0005', cdb: 'a000000000000000ffff', isRead: true, outcomes: { ...hidden, ...goes('whole list') } },
  { lun: '0000', cdb: '2a', isRead: false, outcomes: writes('good') },
  { lun: '4000', cdb: '8a', isRead: true, outcomes: writes('read') },
  { lun: '0000', cdb: '83', isRead: false, outcomes: { ...writes('052000'), shadow: '072700' } },
  { lun: '0005', cdb: '2a', isRead: false, outcomes: { ...hidden, ...goes('good') } },
  { lun: '4005', cdb: '28', isRead: true, outcomes: { ...hidden, ...goes('read') } },
  { lun: '0006', cdb: '1200000024', isRead: true, outcomes: { ...absent, ...goes('read') } },
];
