import { Failure } from '../failures.ts';
import type { Admission, Authorization, Policy } from '../policy/policy.ts';
import type { AccessMode, RuleLocation } from '../policy/rules.ts';
import { attempt } from './loginParts.ts';
import { REQUEST_CLASSES, TEST_UNIT_READY, TYPICAL, type RequestClass } from './request.ts';
import { RequestJudge, type Verdict } from './requestJudge.ts';

/** What a session may do on logical units that are alike. */
export interface LunRow {
  /** Null: every other one. */
  readonly luns: readonly number[] | null;
  readonly visible: Verdict;
  /** Absent where nothing is to be seen. */
  readonly requests?: Readonly<Record<RequestClass, Verdict>>;
}

/** What an initiator may do on the targets that one access entry covers. */
export interface TargetRow {
  /** A pattern, or a target's name. Null: every target that no entry covers. */
  readonly target: string | null;
  readonly verdict: Verdict;
  /** The access entry; the initiator's rule where none covers the target. */
  readonly location: RuleLocation;
  readonly mode?: AccessMode;
  /** Never used: an entry before it covers the same targets. */
  readonly coveredBy?: RuleLocation;
  readonly luns: readonly LunRow[];
}

/**
 * A name that no pattern covers but one of nothing but `*`. What is not covered in particular is judged by it; a pattern stands
 * for itself: as a name it is covered by exactly those patterns that cover all that it covers.
 */
const ANY_OTHER = '';

/** A row for each access entry of the initiator's rule, and one for what they leave over. */
export function accessMatrix(policy: Policy, admission: Admission): TargetRow[] {
  const entries = admission.rule.access.map((entry): TargetRow => {
    const row = targetRow(policy, admission, entry.target);
    if (row.location === entry.location) return row;
    const { target, location } = entry;
    return { target, verdict: row.verdict, location, coveredBy: row.location, luns: [] };
  });
  const { location } = admission.rule;
  const rest = targetRow(policy, admission, ANY_OTHER);
  // An entry of nothing but * leaves nothing over.
  return rest.location === location ? [...entries, { ...rest, target: null }] : entries;
}

/** @param luns only these; absent: those that the entry names, and the others */
export function targetRow(
  policy: Policy,
  admission: Admission,
  target: string,
  luns?: readonly number[],
): TargetRow {
  const authorization = attempt(() => policy.authorize(admission, target));
  if (authorization instanceof Failure) {
    return { target, verdict: 'denied', location: admission.rule.location, luns: [] };
  }
  const { access, shadowed } = authorization;
  return {
    target,
    verdict: shadowed === undefined ? 'allowed' : 'shadowed',
    location: access.location,
    mode: access.mode,
    luns: lunRows(authorization, luns),
  };
}

function lunRows(authorization: Authorization, only: readonly number[] | undefined): LunRow[] {
  const judge = new RequestJudge(authorization);
  const { access } = authorization;
  const rowOf = (lun: number): Omit<LunRow, 'luns'> => {
    const visible = judge.verdict(TEST_UNIT_READY, lun);
    if (visible === 'denied') return { visible };
    const requests = REQUEST_CLASSES.map((name) => {
      return [name, judge.verdict(TYPICAL[name], lun)] as const;
    });
    return { visible, requests: Object.fromEntries(requests) as Record<RequestClass, Verdict> };
  };
  if (only !== undefined) return only.map((lun) => ({ luns: [lun], ...rowOf(lun) }));
  // An entry names logical units that are there, and its other lines hold for all of them: one stands for each of the two groups.
  const named = [...new Set(access.luns)].toSorted((a, b) => a - b);
  const other = firstMissing(named);
  return [
    ...(named.length === 0 ? [] : [{ luns: named, ...rowOf(named[0]!) }]),
    ...(other === undefined ? [] : [{ luns: null, ...rowOf(other) }]),
  ];
}

const LUNS = 16384;

/** @param luns ascending */
function firstMissing(luns: readonly number[]): number | undefined {
  const index = luns.findIndex((lun, at) => lun !== at);
  const missing = index === -1 ? luns.length : index;
  return missing < LUNS ? missing : undefined;
}
