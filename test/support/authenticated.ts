import { TargetLogin, type AuthenticatedLogin } from '../../src/login/targetLogin.ts';
import { Policy, type Admission, type Authorization } from '../../src/policy/policy.ts';
import type { AccessRule, InitiatorRule } from '../../src/policy/rules.ts';
import type { Subject } from '../../src/policy/subject.ts';
import { accessRule, DB1, DISK, initiatorRule, subject } from './initiatorRule.ts';
import { loginRequest, repeatableChallenges } from './loginMessages.ts';

export interface Proofs {
  readonly login: AuthenticatedLogin<Admission>;
  readonly authorization: Authorization;
}

/** The two proofs that a relay asks for, made as the gateway makes them: by a policy and by a login that passes. */
export function authenticated(
  target: string = DISK,
  authorizedFor: string = target,
  access: Partial<AccessRule> = {},
  rule: Partial<InitiatorRule> = {},
): Proofs {
  const policy = new Policy([initiatorRule({ access: [accessRule(access)], ...rule })]);
  const exchange = new TargetLogin<Admission>({
    admit: ({ initiatorName }) => ({ admission: policy.admit(subject({ initiatorName })) }),
    challenges: repeatableChallenges(),
    targetPortalGroupTag: 1,
    initialStatSN: 0,
  });
  const step = exchange.receive(
    loginRequest(
      { transit: true, currentStage: 1, nextStage: 3 },
      { InitiatorName: DB1, SessionType: 'Normal', TargetName: target },
    ),
  );
  if (step.kind !== 'authenticated') throw new Error(`the login ended in ${step.kind}`);
  return { login: step.login, authorization: policy.authorize(step.login.admission, authorizedFor) };
}

/** The authorization that a policy with this access, and with this in its rule, gives to the same subject, or to another one. */
export function reauthorized(
  access: Partial<AccessRule>,
  options: { rule?: Partial<InitiatorRule>; asking?: Partial<Subject>; target?: string } = {},
): Authorization {
  const { rule, asking, target = DISK } = options;
  const who = subject(asking);
  const parts = { iqn: who.initiatorName, access: [accessRule(access)], ...rule };
  const policy = new Policy([initiatorRule(parts)]);
  return policy.authorize(policy.admit(who), target);
}
