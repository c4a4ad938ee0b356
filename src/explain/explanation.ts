import { Failure } from '../failures.ts';
import { describeLoginStatus } from '../iscsi/loginStatus.ts';
import { Policy, type Admission } from '../policy/policy.ts';
import type { InitiatorRule, RuleLocation } from '../policy/rules.ts';
import { accessMatrix, targetRow, type TargetRow } from './accessMatrix.ts';
import { attempt, completeSubject, loginParts, type AskedSubject, type LoginPart } from './loginParts.ts';
import { TEST_UNIT_READY, type Request } from './request.ts';
import { RequestJudge, type Verdict } from './requestJudge.ts';

export interface Question {
  readonly subject: AskedSubject;
  /** Normalised name. Absent: may it log in at all, and to what? */
  readonly target?: string | undefined;
  /** Absent: may it log in to the target, and what may it do there? */
  readonly lun?: number | undefined;
  /** Absent: is there such a logical unit? */
  readonly request?: Request | undefined;
}

/** What `sangate explain --json` prints. */
export interface Explanation {
  readonly verdict: Verdict;
  readonly initiator: string;
  readonly target?: string;
  readonly lun?: number;
  readonly request?: string;
  /** The initiator's rule; absent if there is none. */
  readonly rule?: { readonly id: string; readonly location: RuleLocation; readonly shadow: boolean };
  /** The access entry that decides for the target. */
  readonly access?: { readonly target: string; readonly location: RuleLocation };
  /** What the login has to fit. */
  readonly parts: readonly LoginPart[];
  /** Why it is denied, or would be if the rule were enforced; the word in the log. */
  readonly reason?: string;
  readonly detail?: string;
  /** What the initiator hears then. */
  readonly told?: string;
  /** What decides as well, and is not looked at here. */
  readonly unasked: readonly string[];
  readonly matrix?: readonly TargetRow[];
}

/** Asks the policy of these rules, as the gateway does, and says what it answers and why. */
export function explain(rules: readonly InitiatorRule[], question: Question): Explanation {
  const { subject, target, lun, request } = question;
  const policy = new Policy(rules);
  const rule = rules.find(({ iqn }) => iqn === subject.initiatorName);
  const asked = {
    initiator: subject.initiatorName,
    ...(target !== undefined && { target }),
    ...(lun !== undefined && { lun, request: (request ?? TEST_UNIT_READY).name }),
    ...(rule !== undefined && { rule: { id: rule.id, location: rule.location, shadow: rule.shadow } }),
    unasked: unasked(rule),
  };
  const parts = loginParts(rules, subject);
  const admission = attempt(() => policy.admit(completeSubject(rule, subject)));
  if (admission instanceof Failure) return { verdict: 'denied', ...asked, parts, ...refusal(admission) };
  if (target === undefined) {
    return { verdict: 'allowed', ...asked, parts, matrix: accessMatrix(policy, admission) };
  }
  return { ...asked, ...onTarget(policy, admission, { parts, target, lun, request }) };
}

function onTarget(
  policy: Policy,
  admission: Admission,
  { parts, target, lun, request }: Omit<Question, 'subject'> & { parts: LoginPart[]; target: string },
): Pick<Explanation, 'verdict' | 'access' | 'parts' | 'reason' | 'detail' | 'told' | 'matrix'> {
  const authorization = attempt(() => policy.authorize(admission, target));
  if (authorization instanceof Failure) {
    const detail = `does not fit: ${authorization.message}`;
    return {
      verdict: 'denied',
      parts: [...parts, { part: 'target', fits: false, assumed: false, detail }],
      ...refusal(authorization),
    };
  }
  const { access, shadowed } = authorization;
  const covered =
    shadowed === undefined
      ? `${target}: access entry ${access.target} (${access.location})`
      : `${target}: let through by shadow: true; ${shadowed}`;
  const found = {
    access: { target: access.target, location: access.location },
    parts: [
      ...parts,
      { part: 'target' as const, fits: shadowed === undefined, assumed: false, detail: covered },
    ],
  };
  const onLogin = shadowed === undefined ? undefined : refusal(new Failure('acl_denied', shadowed));
  if (lun === undefined) {
    const matrix = [targetRow(policy, admission, target)];
    return { verdict: onLogin === undefined ? 'allowed' : 'shadowed', ...found, ...onLogin, matrix };
  }
  const denied = new RequestJudge(authorization).judge(request ?? TEST_UNIT_READY, lun);
  const matrix = request === undefined ? { matrix: [targetRow(policy, admission, target, [lun])] } : {};
  if (denied === undefined) {
    return { verdict: onLogin === undefined ? 'allowed' : 'shadowed', ...found, ...onLogin, ...matrix };
  }
  const { denial, enforced, detail, told } = denied;
  const verdict = enforced ? 'denied' : 'shadowed';
  return { verdict, ...found, reason: denial, detail, told, ...matrix };
}

function refusal({ reason, message, wire }: Failure): { reason: string; detail: string; told: string } {
  const told = wire === 'close' ? 'the connection is closed' : `login status ${describeLoginStatus(wire)}`;
  return { reason, detail: message, told };
}

function unasked(rule: InitiatorRule | undefined): string[] {
  const chap = rule?.chap;
  return [
    'TLS (authority, end and revocation of the certificate)',
    ...(chap === undefined ? [] : [`CHAP as ${JSON.stringify(chap.user)}`]),
    'limits and guards',
    'whether an array has the target',
  ];
}
