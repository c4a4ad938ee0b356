import { didYouMean } from '../config/didYouMean.ts';
import { Failure } from '../failures.ts';
import { Policy } from '../policy/policy.ts';
import type { CertificateMatch, InitiatorRule } from '../policy/rules.ts';
import type { CertificateIdentity, Subject } from '../policy/subject.ts';

/** Who asks, as far as one says; the rest is taken to be what the rule wants. */
export interface AskedSubject {
  /** Normalised name. */
  readonly initiatorName: string;
  readonly certificate?: CertificateIdentity | undefined;
  readonly address?: string | undefined;
}

/** One of the things that must agree with a rule. */
export interface LoginPart {
  readonly part: 'initiator' | 'certificate' | 'address' | 'target';
  readonly fits: boolean;
  /** Nobody said what it is. */
  readonly assumed: boolean;
  readonly detail: string;
}

/** What is left out becomes what the rule of this name wants. */
export function completeSubject(rule: InitiatorRule | undefined, asked: AskedSubject): Subject {
  const { initiatorName, certificate, address } = asked;
  return {
    initiatorName,
    certificate: certificate ?? fittingCertificate(rule?.certificate),
    address: address ?? rule?.from.example ?? '',
  };
}

/**
 * What of a login fits and what does not. Policy stops at the first thing that does not fit, so it is asked about each with the
 * others made to fit.
 */
export function loginParts(rules: readonly InitiatorRule[], asked: AskedSubject): LoginPart[] {
  const { initiatorName } = asked;
  const rule = rules.find(({ iqn }) => iqn === initiatorName);
  if (rule === undefined) return [{ part: 'initiator', fits: false, assumed: false, detail: unknown() }];
  const policy = new Policy(rules);
  const fits = (parts: Omit<AskedSubject, 'initiatorName'>): boolean =>
    !(attempt(() => policy.admit(completeSubject(rule, { initiatorName, ...parts }))) instanceof Failure);
  const { certificate, address } = asked;
  return [
    {
      part: 'initiator',
      fits: true,
      assumed: false,
      detail: `${initiatorName}: rule ${rule.id} (${rule.location})`,
    },
    { part: 'certificate', ...certificatePart(rule.certificate, certificate, fits({ certificate })) },
    { part: 'address', ...addressPart(rule, address, fits({ address })) },
  ];

  function unknown(): string {
    const meant = didYouMean(
      initiatorName,
      rules.map(({ iqn }) => iqn),
    );
    const detail = `no entry under initiators: has iqn ${initiatorName}`;
    return meant === undefined ? detail : `${detail}; did you mean ${meant}?`;
  }
}

/** What policy says, allowed or not. */
export function attempt<T>(work: () => T): T | Failure {
  try {
    return work();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

function fittingCertificate(wanted: CertificateMatch | undefined): CertificateIdentity {
  const of = (kind: CertificateMatch['kind']): string[] =>
    wanted?.kind === kind ? [kind === 'dns' ? wanted.value.toLowerCase() : wanted.value] : [];
  const [cn] = of('cn');
  return {
    ...(cn !== undefined && { cn }),
    dns: of('dns'),
    uri: of('uri'),
    sha256: of('sha256')[0] ?? '',
    serial: '',
    notAfter: Infinity,
  };
}

type Part = Omit<LoginPart, 'part'>;

function certificatePart(
  { kind, value }: CertificateMatch,
  asked: CertificateIdentity | undefined,
  fits: boolean,
): Part {
  const wanted = `${kind} ${value}`;
  if (asked === undefined) return { fits, assumed: true, detail: `assumed: one that has ${wanted}` };
  if (fits) return { fits, assumed: false, detail: `has ${wanted}` };
  return {
    fits,
    assumed: false,
    detail: `does not fit: the rule wants ${wanted}, and it has ${describe(asked)}`,
  };
}

function describe({ uri, dns, cn, sha256 }: CertificateIdentity): string {
  return [
    ...uri.map((name) => `uri ${name}`),
    ...dns.map((name) => `dns ${name}`),
    ...(cn === undefined ? [] : [`cn ${cn}`]),
    `sha256 ${sha256}`,
  ].join(', ');
}

function addressPart({ from }: InitiatorRule, asked: string | undefined, fits: boolean): Part {
  const ranges = from.toString();
  if (asked === undefined) return { fits, assumed: true, detail: `assumed: one in from: [${ranges}]` };
  return {
    fits,
    assumed: false,
    detail: fits ? `${asked} is in from: [${ranges}]` : `does not fit: ${asked} is not in from: [${ranges}]`,
  };
}
