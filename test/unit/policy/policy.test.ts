import { expect, test } from 'vitest';
import { Failure } from '../../../src/failures.ts';
import { Policy, type Admission, type Authorization } from '../../../src/policy/policy.ts';
import type { CertificateMatch, InitiatorRule } from '../../../src/policy/rules.ts';
import type { Subject } from '../../../src/policy/subject.ts';
import { accessRule, certificate, DB1, DISK, initiatorRule, subject } from '../../support/initiatorRule.ts';

function failureOf(work: () => unknown): Failure {
  try {
    work();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('nothing was denied');
}

const admit = (rule: Partial<InitiatorRule>, who: Partial<Subject> = {}): Admission =>
  new Policy([initiatorRule(rule)]).admit(subject(who));

test('an initiator whose certificate, address and name agree with one rule is admitted under that rule', () => {
  const other = initiatorRule({ id: 'db2', iqn: 'iqn.1993-08.org.debian:01:db2' });
  const rule = initiatorRule();
  expect(new Policy([other, rule]).admit(subject()).rule).toBe(rule);
});

test('without rules nobody is admitted', () => {
  const failure = failureOf(() => new Policy([]).admit(subject()));
  expect(failure).toMatchObject({ reason: 'unknown_initiator', wire: 0x0202 });
  expect(failure.message).toContain(DB1);
});

test('a name that only begins like a rule is unknown', () => {
  expect(failureOf(() => admit({}, { initiatorName: `${DB1}0` })).reason).toBe('unknown_initiator');
});

test("one initiator's certificate does not speak for another's name, and the rule is named", () => {
  const stranger = certificate({ uri: ['spiffe://example.org/db2'] });
  const failure = failureOf(() => admit({}, { certificate: stranger }));
  expect(failure).toMatchObject({ reason: 'iqn_mismatch', wire: 0x0202 });
  expect(failure.message).toContain('rule db1 (gateway.yaml:12:3) wants uri spiffe://example.org/db1');
});

test("an address outside the rule's ranges is denied, and address, rule and ranges are named", () => {
  const failure = failureOf(() => admit({}, { address: '198.51.100.1' }));
  expect(failure).toMatchObject({ reason: 'address_denied', wire: 0x0202 });
  expect(failure.message).toContain('198.51.100.1');
  expect(failure.message).toContain('rule db1 (gateway.yaml:12:3): 203.0.113.0/24, 2001:db8::/48');
});

test('an IPv6 address inside the ranges is admitted', () => {
  expect(admit({}, { address: '2001:db8::7' }).subject.address).toBe('2001:db8::7');
});

const NAMES = certificate({
  cn: 'db1',
  dns: ['a.example.org', 'db1.example.org'],
  uri: ['spiffe://example.org/a', 'spiffe://example.org/db1'],
});

test.each<CertificateMatch>([
  { kind: 'uri', value: 'spiffe://example.org/db1' },
  { kind: 'dns', value: 'db1.example.org' },
  { kind: 'dns', value: 'DB1.Example.org' },
  { kind: 'cn', value: 'db1' },
  { kind: 'sha256', value: 'ab'.repeat(32) },
])('a certificate that has $kind $value whole carries the rule', (wanted) => {
  expect(admit({ certificate: wanted }, { certificate: NAMES }).rule.id).toBe('db1');
});

test.each<CertificateMatch>([
  { kind: 'uri', value: 'spiffe://example.org/db' },
  { kind: 'uri', value: 'spiffe://example.org/db10' },
  { kind: 'uri', value: 'spiffe://example.org/DB1' },
  { kind: 'uri', value: 'db1.example.org' },
  { kind: 'dns', value: 'example.org' },
  { kind: 'dns', value: '1.example.org' },
  { kind: 'dns', value: 'spiffe://example.org/db1' },
  { kind: 'cn', value: 'DB1' },
  { kind: 'cn', value: 'db' },
  { kind: 'cn', value: 'db1.example.org' },
  { kind: 'sha256', value: 'ab'.repeat(31) },
  { kind: 'sha256', value: 'AB'.repeat(32) },
])('a rule for $kind $value is not carried by a certificate that has nearly that', (wanted) => {
  const failure = failureOf(() => admit({ certificate: wanted }, { certificate: NAMES }));
  expect(failure.reason).toBe('iqn_mismatch');
});

test('a certificate without a common name carries no rule for one', () => {
  const { cn: _, ...nameless } = certificate();
  const wanted = { kind: 'cn', value: 'undefined' } as const;
  expect(failureOf(() => admit({ certificate: wanted }, { certificate: nameless })).reason).toBe(
    'iqn_mismatch',
  );
});

test('a target is authorized by the first access entry that covers it', () => {
  const access = [
    accessRule({ target: 'iqn.2001-05.com.equallogic:other', location: 'gateway.yaml:17:9' }),
    accessRule({ target: 'iqn.2001-05.com.equallogic:*', location: 'gateway.yaml:18:9' }),
    accessRule({ target: '*', location: 'gateway.yaml:19:9' }),
  ];
  const policy = new Policy([initiatorRule({ access })]);
  const admission = policy.admit(subject());
  const authorization = policy.authorize(admission, DISK);
  expect(authorization.access.location).toBe('gateway.yaml:18:9');
  expect(authorization.target).toBe(DISK);
  expect(authorization.admission).toBe(admission);
});

test('a target that no access entry covers looks like one that does not exist, and the log names the rule', () => {
  const policy = new Policy([initiatorRule()]);
  const admission = policy.admit(subject());
  const failure = failureOf(() => policy.authorize(admission, 'iqn.2001-05.com.equallogic:disk-db2-data'));
  expect(failure).toMatchObject({ reason: 'acl_denied', wire: 0x0203 });
  expect(failure.wire).toBe(new Failure('target_not_found', '').wire);
  expect(failure.message).toContain('rule db1 (gateway.yaml:12:3)');
  expect(failure.message).toContain('disk-db2-data');
});

test('a rule without access entries authorizes nothing', () => {
  const policy = new Policy([initiatorRule({ access: [] })]);
  const admission = policy.admit(subject());
  expect(failureOf(() => policy.authorize(admission, DISK)).reason).toBe('acl_denied');
});

test.each([DISK, 'iqn.2001-05.com.equallogic:disk-db2-data', 'iqn.2001-05.com.equallogic:-db1-'])(
  'discovery shows %s exactly if login lets it through',
  (target) => {
    const policy = new Policy([initiatorRule()]);
    const admission = policy.admit(subject());
    let isAllowed = true;
    try {
      policy.authorize(admission, target);
    } catch {
      isAllowed = false;
    }
    expect(policy.isVisible(admission, target)).toBe(isAllowed);
  },
);

test('an admission and an authorization cannot be written down, only given by a policy', () => {
  const rule = initiatorRule();
  // @ts-expect-error -- an object of the same shape is no proof
  const admission: Admission = { subject: subject(), rule };
  // @ts-expect-error -- an object of the same shape is no proof
  const authorization: Authorization = { admission, target: DISK, access: rule.access[0]! };
  expect([admission, authorization]).toHaveLength(2);
});
