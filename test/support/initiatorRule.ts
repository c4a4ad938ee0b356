import { addressSet, parseAddressRange } from '../../src/config/addressSet.ts';
import type { AccessRule, InitiatorRule } from '../../src/policy/rules.ts';
import type { CertificateIdentity, Subject } from '../../src/policy/subject.ts';

export const DB1 = 'iqn.1993-08.org.debian:01:db1';
export const DISK = 'iqn.2001-05.com.equallogic:disk-db1-data';

/** The access entry of that rule; parts of it replaced. */
export function accessRule(parts: Partial<AccessRule>): AccessRule {
  return {
    target: 'iqn.2001-05.com.equallogic:*-db1-*',
    mode: 'read-write',
    allow: [],
    location: 'gateway.yaml:17:9',
    ...parts,
  };
}

/** The rule `db1` of a configuration that has no other; parts of it replaced. */
export function initiatorRule(parts: Partial<InitiatorRule> = {}): InitiatorRule {
  return {
    id: 'db1',
    iqn: DB1,
    certificate: { kind: 'uri', value: 'spiffe://example.org/db1' },
    from: addressSet([parseAddressRange('203.0.113.0/24'), parseAddressRange('2001:db8::/48')]),
    cluster: false,
    maxSessions: 256,
    shadow: false,
    access: [accessRule({})],
    location: 'gateway.yaml:12:3',
    ...parts,
  };
}

export function certificate(parts: Partial<CertificateIdentity> = {}): CertificateIdentity {
  return {
    cn: 'db1',
    dns: ['db1.example.org'],
    uri: ['spiffe://example.org/db1'],
    sha256: 'ab'.repeat(32),
    serial: '01',
    notAfter: Date.UTC(2100, 0),
    ...parts,
  };
}

/** Whom the rule `db1` admits; parts replaced. */
export function subject(parts: Partial<Subject> = {}): Subject {
  return { certificate: certificate(), address: '203.0.113.7', initiatorName: DB1, ...parts };
}
