import { expect, test } from 'vitest';
import { addressSet, parseAddressRange } from '../../../src/config/addressSet.ts';
import { Failure } from '../../../src/failures.ts';
import { CHAP_ALGORITHMS } from '../../../src/policy/chapRequirement.ts';
import { Admission, Policy, type Authorization } from '../../../src/policy/policy.ts';
import type { CertificateMatch, InitiatorRule } from '../../../src/policy/rules.ts';
import { Secret } from '../../../src/policy/secret.ts';
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

test.each([
  [['*'], true],
  [['iqn.2099-01.org.example:*'], false],
  [['iqn.2099-01.org.example:*', DISK], true],
  [[DISK.slice(0, -1)], false],
] as const)('of the targets that match one of %j an initiator may see some: %s', (patterns, isSeen) => {
  const rules = [initiatorRule({ access: [accessRule({ target: DISK })] })];
  const policy = new Policy(rules);
  expect(policy.maySeeOf(policy.admit(subject()), patterns)).toBe(isSeen);
});

test('in shadow an initiator may see any target', () => {
  const policy = new Policy([initiatorRule({ shadow: true, access: [] })]);
  expect(policy.maySeeOf(policy.admit(subject()), ['iqn.2099-01.org.example:*'])).toBe(true);
});

test('an admission and an authorization cannot be written down, only given by a policy', () => {
  const rule = initiatorRule();
  // @ts-expect-error -- an object of the same shape is no proof
  const admission: Admission = { subject: subject(), rule };
  // @ts-expect-error -- an object of the same shape is no proof
  const authorization: Authorization = { admission, target: DISK, access: rule.access[0]! };
  expect([admission, authorization]).toHaveLength(2);
});

test('an admission that only has the right shape, or the right prototype, authorizes nothing', () => {
  const policy = new Policy([initiatorRule()]);
  const forged = { subject: subject(), rule: initiatorRule() };
  for (const admission of [forged, Object.setPrototypeOf({ ...forged }, Admission.prototype)]) {
    expect(() => policy.authorize(admission as Admission, DISK)).toThrow(TypeError);
    expect(() => policy.isVisible(admission as Admission, DISK)).toThrow(TypeError);
    expect(() => policy.readmit(admission as Admission)).toThrow(TypeError);
  }
});

test("another policy's admission is refused: its rule may say what this policy does not", () => {
  const admission = new Policy([initiatorRule()]).admit(subject());
  const stricter = new Policy([initiatorRule({ access: [] })]);
  expect(() => stricter.authorize(admission, DISK)).toThrow(TypeError);
  expect(() => stricter.isVisible(admission, DISK)).toThrow(TypeError);
});

const loggedIn = (rule: Partial<InitiatorRule> = {}): Authorization => {
  const policy = new Policy([initiatorRule(rule)]);
  return policy.authorize(policy.admit(subject()), DISK);
};

const chap = (user: string, secret = 'a secret long enough') => ({
  user,
  secret: new Secret(Buffer.from(secret)),
  algorithms: CHAP_ALGORITHMS,
});

test('a session that a new policy still lets through gets the access entry of that policy', () => {
  const before = loggedIn();
  const rule = initiatorRule({ access: [accessRule({ luns: [1], mode: 'read-only' })] });
  const policy = new Policy([rule]);
  const after = policy.reconsider(before);
  expect(after.access).toBe(rule.access[0]);
  expect(after.admission.rule).toBe(rule);
  expect([after.target, after.admission.subject]).toEqual([DISK, before.admission.subject]);
  expect(policy.isVisible(after.admission, DISK)).toBe(true);
});

test.each<[string, readonly InitiatorRule[], Failure['reason']]>([
  ['whose initiator has no rule any more', [], 'unknown_initiator'],
  [
    'whose certificate the rule does not want any more',
    [initiatorRule({ certificate: { kind: 'cn', value: 'db2' } })],
    'iqn_mismatch',
  ],
  [
    'that comes from outside the addresses that are left',
    [initiatorRule({ from: addressSet([parseAddressRange('203.0.113.8')]) })],
    'address_denied',
  ],
  ['whose target was taken away', [initiatorRule({ access: [] })], 'acl_denied'],
  ['that was not asked for CHAP, and now would be', [initiatorRule({ chap: chap('db1') })], 'chap'],
])('a session %s is over', (_, rules, reason) => {
  expect(failureOf(() => new Policy(rules).reconsider(loggedIn()))).toMatchObject({ reason });
});

test('who goes by another CHAP user now has to log in again, and the message says why', () => {
  const policy = new Policy([initiatorRule({ chap: chap('db1-new') })]);
  const failure = failureOf(() => policy.reconsider(loggedIn({ chap: chap('db1') })));
  expect(failure.reason).toBe('chap');
  expect(failure.message).toBe(
    'rule db1 (gateway.yaml:12:3) now wants CHAP as "db1-new", and this session logged in as "db1"',
  );
});

test('a CHAP secret that has changed ends no session', () => {
  const policy = new Policy([initiatorRule({ chap: chap('db1', 'quite another secret') })]);
  expect(policy.reconsider(loggedIn({ chap: chap('db1') })).target).toBe(DISK);
});

test('what CHAP has proved at the login still holds after a policy that did not ask for it', () => {
  const without = new Policy([initiatorRule()]).reconsider(loggedIn({ chap: chap('db1') }));
  expect(new Policy([initiatorRule({ chap: chap('db1') })]).reconsider(without).target).toBe(DISK);
  const stranger = new Policy([initiatorRule({ chap: chap('db2') })]);
  expect(failureOf(() => stranger.reconsider(without)).reason).toBe('chap');
});

test('a session that never went through CHAP does not acquire it by a reload', () => {
  const asked = new Policy([initiatorRule({ chap: chap('db1') })]);
  const between = new Policy([initiatorRule()]).reconsider(loggedIn());
  expect(failureOf(() => asked.reconsider(between)).message).toContain('logged in without CHAP');
});

test('a discovery session is readmitted, and sees what the new policy shows', () => {
  const admission = new Policy([initiatorRule()]).admit(subject());
  const policy = new Policy([initiatorRule({ access: [] })]);
  expect(policy.isVisible(policy.readmit(admission), DISK)).toBe(false);
});

const OTHER_DISK = 'iqn.2001-05.com.equallogic:disk-db2-data';

test('in shadow a target that no entry covers is authorized but for dangers, and what would have been said is told', () => {
  const rule = initiatorRule({ shadow: true });
  const policy = new Policy([rule]);
  const admission = policy.admit(subject());
  const authorization = policy.authorize(admission, OTHER_DISK);
  expect(authorization.access).toEqual({
    target: OTHER_DISK,
    mode: 'read-write',
    allow: [],
    location: rule.location,
  });
  expect(authorization.shadowed).toBe(`no access entry of rule db1 (gateway.yaml:12:3) covers ${OTHER_DISK}`);
  expect(policy.isVisible(admission, OTHER_DISK)).toBe(true);
});

test('in shadow a target that an entry covers has that entry, and nothing is told', () => {
  const rule = initiatorRule({ shadow: true });
  const policy = new Policy([rule]);
  const authorization = policy.authorize(policy.admit(subject()), DISK);
  expect(authorization.access).toBe(rule.access[0]);
  expect(authorization.shadowed).toBeUndefined();
});

test.each<[string, Partial<Subject>, Failure['reason']]>([
  ['certificate', { certificate: certificate({ uri: [] }) }, 'iqn_mismatch'],
  ['address', { address: '198.51.100.1' }, 'address_denied'],
  ['name', { initiatorName: `${DB1}0` }, 'unknown_initiator'],
])('in shadow the %s is enforced all the same', (_, who, reason) => {
  expect(failureOf(() => admit({ shadow: true }, who)).reason).toBe(reason);
});

test('in shadow CHAP is enforced all the same, also on a session that is there already', () => {
  const policy = new Policy([initiatorRule({ shadow: true, chap: chap('db1') })]);
  expect(failureOf(() => policy.reconsider(loggedIn())).reason).toBe('chap');
});

test('a session on a target that only shadow lets through is over when the rule is enforced', () => {
  const shadow = new Policy([initiatorRule({ shadow: true })]);
  const authorization = shadow.authorize(shadow.admit(subject()), OTHER_DISK);
  expect(failureOf(() => new Policy([initiatorRule()]).reconsider(authorization)).reason).toBe('acl_denied');
});
