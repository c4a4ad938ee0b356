import type { DenialKind } from '../accounting/nexus.ts';
import { describeTaskFunction } from '../iscsi/taskManagement.ts';
import { AuthenticatedLogin } from '../login/targetLogin.ts';
import { CommandPolicy, type Denial, type NotableEffect } from '../policy/commandPolicy.ts';
import { Authorization, type Admission } from '../policy/policy.ts';
import type { RuleLocation } from '../policy/rules.ts';
import type { DangerousCommand } from '../scsi/commandClass.ts';
import { describeCommand, type CommandCode } from '../scsi/commandNames.ts';

/** A request that got nothing of what it asked for; in shadow, would have. `describeDenied` has the words. */
export interface Denied {
  /** `no-access`: no access entry covers the target, and only shadow has let the session begin. */
  readonly kind: DenialKind;
  /** False in shadow: it has gone on to the target. */
  readonly enforced: boolean;
  /** The key under `initiators:`, and where the entry stands that decided. */
  readonly rule: string;
  readonly location: RuleLocation;
  /** Of a SCSI command. */
  readonly command?: CommandCode;
  readonly danger?: DangerousCommand | undefined;
  /** Of a task management request. */
  readonly taskFunction?: number;
  /** Canonical (`report-luns` for the well-known one); of a form that is refused, its 8 bytes in hex. */
  readonly lun?: number | string;
  /** Of Text. */
  readonly keys?: readonly string[];
}

/** A command that has gone on, and that an operator may ask about later. */
export interface Notable {
  readonly effect: NotableEffect;
  /** As in a denial. */
  readonly rule: string;
  readonly location: RuleLocation;
  readonly operationCode: number;
  readonly lun: number | string;
}

/** `WRITE (10) 2Ah on LUN 2: hidden-lun`, `LOGICAL UNIT RESET on LUN 7: hidden-lun`. */
export function describeDenied({ kind, command, taskFunction, lun, keys = [] }: Denied): string {
  if (kind === 'text') return `text keys in full feature phase: ${keys.join(', ')}`;
  const what = command === undefined ? describeTaskFunction(taskFunction!) : describeCommand(command);
  return `${what} on LUN ${lun}: ${kind}`;
}

/** Those who hear what a session did that is not everyday. */
export interface AccessListeners {
  /** The initiator asked for something that it does not get, or would not outside of shadow; the session goes on. */
  readonly onDenied: (denied: Denied) => void;
  /** It got something that is not everyday. */
  readonly onNotable: (notable: Notable) => void;
}

/** What a session may do now. It is asked at every request, so what is under way ends as it began. */
export class Access {
  readonly #login: AuthenticatedLogin<Admission>;
  readonly #listeners: AccessListeners;
  #authorization: Authorization;
  /** What of it is asked at every command. */
  #policy: CommandPolicy;
  #isShadow: boolean;
  #isUncovered: boolean;

  /** @throws TypeError for proofs that are none, or are not of one login */
  constructor(
    login: AuthenticatedLogin<Admission>,
    authorization: Authorization,
    listeners: AccessListeners,
  ) {
    if (!AuthenticatedLogin.isGenuine(login) || !Authorization.isGenuine(authorization)) {
      throw new TypeError(
        'a login and an authorization are proofs only if they come from TargetLogin and Policy',
      );
    }
    if (login.admission !== authorization.admission || login.identity.targetName !== authorization.target) {
      throw new TypeError('the authorization belongs to another login');
    }
    this.#login = login;
    this.#listeners = listeners;
    this.#authorization = authorization;
    this.#policy = new CommandPolicy(authorization.access);
    this.#isShadow = authorization.admission.rule.shadow;
    this.#isUncovered = authorization.shadowed !== undefined;
  }

  get policy(): CommandPolicy {
    return this.#policy;
  }

  /** What is denied goes on all the same, but for dangers, and answers show everything. */
  get isShadow(): boolean {
    return this.#isShadow;
  }

  /** No access entry covers the target: whatever goes on goes on in shadow. */
  get isUncovered(): boolean {
    return this.#isUncovered;
  }

  /**
   * The policy denies this.
   *
   * @param isRefusedInShadow as commandPolicy.ts has it
   * @returns true if it does not go on
   */
  deny(denied: DeniedRequest & { readonly kind: Denial }, isRefusedInShadow: boolean): boolean {
    const enforced = isRefusedInShadow || !this.isShadow;
    this.#tell(denied, enforced);
    return enforced;
  }

  /** The policy has nothing against this, but would not have let the session begin. */
  noteUncovered(request: Omit<DeniedRequest, 'kind'>): void {
    this.#tell({ kind: 'no-access', ...request }, false);
  }

  noteNotable(notable: Omit<Notable, 'rule' | 'location'>): void {
    const { admission, access } = this.#authorization;
    this.#listeners.onNotable({ ...notable, rule: admission.rule.id, location: access.location });
  }

  /** Text that was asked for is answered here with less, whatever the policy says. */
  noteDeniedText(keys: readonly string[]): void {
    this.#tell({ kind: 'text', keys }, true);
  }

  /**
   * Another policy has judged the session anew: the same subject, at the same target.
   *
   * @throws TypeError for an authorization that is none, or somebody else's
   */
  change(authorization: Authorization): void {
    const { admission, identity } = this.#login;
    if (!Authorization.isGenuine(authorization)) {
      throw new TypeError('an authorization is a proof only if it comes from Policy');
    }
    if (authorization.target !== identity.targetName || !isSame(authorization.admission, admission)) {
      throw new TypeError('the authorization is for another subject or target than the session’s');
    }
    this.#authorization = authorization;
    this.#policy = new CommandPolicy(authorization.access);
    this.#isShadow = authorization.admission.rule.shadow;
    this.#isUncovered = authorization.shadowed !== undefined;
  }

  #tell(denied: DeniedRequest, enforced: boolean): void {
    const { admission, access } = this.#authorization;
    this.#listeners.onDenied({
      ...denied,
      enforced,
      rule: admission.rule.id,
      location: access.location,
    });
  }
}

type DeniedRequest = Omit<Denied, 'enforced' | 'rule' | 'location'>;

/** A new policy admits anew, so the admission is another one; who was admitted, and what the login proved, can't have changed. */
function isSame(one: Admission, other: Admission): boolean {
  return (
    one.subject.initiatorName === other.subject.initiatorName &&
    one.subject.address === other.subject.address &&
    one.subject.certificate.sha256 === other.subject.certificate.sha256 &&
    one.chapUser === other.chapUser
  );
}
