import { Failure } from '../failures.ts';
import type { AccessRule, CertificateMatch, InitiatorRule } from './rules.ts';
import type { CertificateIdentity, Subject } from './subject.ts';
import { matchesTarget } from './targetPattern.ts';

let admit: (subject: Subject, rule: InitiatorRule) => Admission;
let authorize: (admission: Admission, target: string, access: AccessRule) => Authorization;

/** What Policy itself has made: at run time a constructor is not private, and any object can be given a prototype. */
const genuine = new WeakSet<object>();

/** Proof that certificate, address and initiator name agree with one rule. Only an allow verdict of Policy makes one. */
export class Admission {
  /** Makes the type nominal: an object of the same shape is no proof. */
  declare protected readonly isProof: true;
  readonly subject: Subject;
  readonly rule: InitiatorRule;

  private constructor(subject: Subject, rule: InitiatorRule) {
    this.subject = subject;
    this.rule = rule;
  }

  static {
    admit = (subject, rule) => new Admission(subject, rule);
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

  private constructor(admission: Admission, target: string, access: AccessRule) {
    this.admission = admission;
    this.target = target;
    this.access = access;
  }

  static {
    authorize = (admission, target, access) => {
      const authorization = new Authorization(admission, target, access);
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
    return admit(subject, rule);
  }

  /**
   * May it use this target?
   *
   * @param target normalised name
   * @throws Failure `acl_denied`
   */
  authorize(admission: Admission, target: string): Authorization {
    const access = accessTo(admission, target);
    if (access === undefined) {
      const { id, location } = admission.rule;
      throw new Failure('acl_denied', `no access entry of rule ${id} (${location}) covers ${target}`);
    }
    return authorize(admission, target, access);
  }

  /** Which of these targets discovery may show: exactly those that `authorize` lets through. */
  isVisible(admission: Admission, target: string): boolean {
    return accessTo(admission, target) !== undefined;
  }
}

/** The first entry that covers the target: the order in the file decides which one the log names. */
function accessTo({ rule }: Admission, target: string): AccessRule | undefined {
  return rule.access.find((entry) => matchesTarget(entry.target, target));
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
