import { Failure } from '../failures.ts';
import { type AccessRule, type CertificateMatch, type InitiatorRule } from './rules.ts';
import type { CertificateIdentity, Subject } from './subject.ts';
import { matchesTarget, patternsOverlap } from './targetPattern.ts';

let admit: (policy: Policy, subject: Subject, rule: InitiatorRule, chapUser: string | undefined) => Admission;
let authorize: (admission: Admission, target: string, access: AccessRule, shadowed?: string) => Authorization;

/** What Policy itself has made: at run time a constructor is not private, and any object can be given a prototype. */
const madeBy = new WeakMap<Admission, Policy>();
const genuine = new WeakSet<object>();

/** Proof that certificate, address and initiator name agree with one rule. Only an allow verdict of Policy makes one. */
export class Admission {
  /** Makes the type nominal: an object of the same shape is no proof. */
  declare protected readonly isProof: true;
  readonly subject: Subject;
  readonly rule: InitiatorRule;
  /** The CHAP user that the login has to prove to be; undefined: none. */
  readonly chapUser: string | undefined;

  private constructor(subject: Subject, rule: InitiatorRule, chapUser: string | undefined) {
    this.subject = subject;
    this.rule = rule;
    this.chapUser = chapUser;
  }

  static {
    admit = (policy, subject, rule, chapUser) => {
      const admission = new Admission(subject, rule, chapUser);
      madeBy.set(admission, policy);
      return admission;
    };
  }
}

/** Proof that an admitted initiator may use one target. Only an allow verdict of Policy makes one. */
export class Authorization {
  /** Makes the type nominal: an object of the same shape is no proof. */
  declare protected readonly isProof: true;
  readonly admission: Admission;
  /** Normalised target name. */
  readonly target: string;
  readonly access: AccessRule;
  /** Why the target would be denied if the rule were not in shadow; undefined: it would not be. */
  readonly shadowed: string | undefined;

  private constructor(
    admission: Admission,
    target: string,
    access: AccessRule,
    shadowed: string | undefined,
  ) {
    this.admission = admission;
    this.target = target;
    this.access = access;
    this.shadowed = shadowed;
  }

  static {
    authorize = (admission, target, access, shadowed) => {
      const authorization = new Authorization(admission, target, access, shadowed);
      genuine.add(authorization);
      return authorization;
    };
  }

  static isGenuine(value: object): boolean {
    return genuine.has(value);
  }
}

/** Who may reach what; nothing that no rule allows. Discovery and login ask the same two questions here. */
export class Policy {
  readonly #rules: ReadonlyMap<string, InitiatorRule>;

  constructor(rules: readonly InitiatorRule[]) {
    this.#rules = new Map(rules.map((rule) => [rule.iqn, rule]));
  }

  /**
   * May this initiator log in at all?
   *
   * @throws Failure `unknown_initiator`, `iqn_mismatch` or `address_denied`
   */
  admit(subject: Subject): Admission {
    const rule = this.#ruleOf(subject);
    return admit(this, subject, rule, rule.chap?.user);
  }

  /**
   * Would an initiator that is logged in still be let in, after what it has proved then? A secret that has changed since ends
   * nothing; that no CHAP was asked for, or another user, does.
   *
   * @param admission of any Policy, and its login is through
   * @throws Failure as `admit`, and `chap`
   */
  readmit(admission: Admission): Admission {
    if (!madeBy.has(admission)) throw new TypeError('an admission is a proof only if it comes from a Policy');
    const { subject, chapUser } = admission;
    const rule = this.#ruleOf(subject);
    const { id, location, chap } = rule;
    if (chap !== undefined && chap.user !== chapUser) {
      const proved = chapUser === undefined ? 'without CHAP' : `as ${JSON.stringify(chapUser)}`;
      throw new Failure(
        'chap',
        `rule ${id} (${location}) now wants CHAP as ${JSON.stringify(chap.user)}, and this session logged in ${proved}`,
      );
    }
    return admit(this, subject, rule, chapUser);
  }

  /**
   * Would this session still be let in, and may it still use its target? The answer has the access entry that holds from now on.
   *
   * @param authorization of any Policy
   * @throws Failure as `readmit` and `authorize`
   */
  reconsider(authorization: Authorization): Authorization {
    return this.authorize(this.readmit(authorization.admission), authorization.target);
  }

  /**
   * May it use this target?
   *
   * @param admission of this Policy: a rule of another says nothing here
   * @param target normalised name
   * @throws Failure `acl_denied`
   */
  authorize(admission: Admission, target: string): Authorization {
    const access = this.#accessTo(admission, target);
    if (access !== undefined) return authorize(admission, target, access);
    const { id, location, shadow } = admission.rule;
    const denial = `no access entry of rule ${id} (${location}) covers ${target}`;
    if (!shadow) throw new Failure('acl_denied', denial);
    return authorize(admission, target, { target, mode: 'read-write', allow: [], location }, denial);
  }

  /** Which of these targets discovery may show: exactly those that `authorize` lets through. */
  isVisible(admission: Admission, target: string): boolean {
    return this.#accessTo(admission, target) !== undefined || admission.rule.shadow;
  }

  /** False if `isVisible` says no to whatever target matches one of these patterns. */
  maySeeOf(admission: Admission, patterns: readonly string[]): boolean {
    const access = this.#accessOf(admission);
    if (admission.rule.shadow) return true;
    return access.some(({ target }) => patterns.some((pattern) => patternsOverlap(pattern, target)));
  }

  #ruleOf(subject: Subject): InitiatorRule {
    const rule = this.#rules.get(subject.initiatorName);
    if (rule === undefined) {
      throw new Failure('unknown_initiator', `no rule under initiators: has iqn ${subject.initiatorName}`);
    }
    if (!carries(subject.certificate, rule.certificate)) {
      const { kind, value } = rule.certificate;
      throw new Failure(
        'iqn_mismatch',
        `the certificate may not speak for ${subject.initiatorName}: rule ${rule.id} (${rule.location}) wants ${kind} ${value}`,
      );
    }
    if (!rule.from.contains(subject.address)) {
      throw new Failure(
        'address_denied',
        `address ${subject.address} is outside "from" of rule ${rule.id} (${rule.location}): ${rule.from.toString()}`,
      );
    }
    return rule;
  }

  /** The first entry that covers the target: the order in the file decides which one the log names. */
  #accessTo(admission: Admission, target: string): AccessRule | undefined {
    return this.#accessOf(admission).find((entry) => matchesTarget(entry.target, target));
  }

  #accessOf(admission: Admission): readonly AccessRule[] {
    if (madeBy.get(admission) !== this) {
      throw new TypeError('the admission comes from another Policy: readmit it here first');
    }
    return admission.rule.access;
  }
}

function carries(certificate: CertificateIdentity, wanted: CertificateMatch): boolean {
  switch (wanted.kind) {
    case 'uri':
      return certificate.uri.includes(wanted.value);
    case 'dns':
      return certificate.dns.includes(wanted.value.toLowerCase());
    case 'cn':
      return certificate.cn === wanted.value;
    case 'sha256':
      return certificate.sha256 === wanted.value;
  }
}
