import { X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAuthority } from '../../src/pki/authority.ts';
import type { CertificateAndKey } from '../../src/pki/certificate.ts';
import { createCrl } from '../../src/pki/createCrl.ts';
import { issueCertificate, type LeafOptions } from '../../src/pki/issue.ts';

/** PEM texts. */
export interface PemPair {
  readonly cert: string;
  readonly key: string;
}

export interface TestPki {
  readonly ca: string;
  readonly authority: CertificateAndKey;
  /** Lists `revoked` and is valid for 30 days. */
  readonly crl: string;
  /** localhost, 127.0.0.1 and ::1; server usage. */
  readonly gateway: PemPair;
  /** CN db1, spiffe://sangate/db1, db1.example.org. */
  readonly client: PemPair;
  /** As `client`, but from a CA that has the same name as ours and another key. */
  readonly stranger: PemPair;
  readonly strangerCa: string;
  /** As `client`, but valid until a month ago. */
  readonly expired: PemPair;
  /** As `client`, and listed in `crl`. */
  readonly revoked: PemPair;
  readonly issue: (options: Partial<LeafOptions>) => Promise<PemPair>;
  /** A CRL of our CA that lists these certificates (PEM); `now` in the past makes an expired one. */
  readonly crlOf: (certificates: readonly string[], now?: Date) => string;
}

const FAST = { modulusLength: 2048 } as const;
const DAY = 86_400_000;
const CA_NAME = 'sangate test CA';
const DB1 = {
  commonName: 'db1',
  usage: 'client',
  days: 30,
  uri: ['spiffe://sangate/db1'],
  dns: ['db1.example.org'],
} as const;

let shared: Promise<TestPki> | undefined;

/** One CA with certificates of every fate, minted once a test file. */
export function testPki(): Promise<TestPki> {
  return (shared ??= mint());
}

/** Days before now, for what shall have expired. */
export const daysAgo = (days: number): Date => new Date(Date.now() - days * DAY);

/**
 * Writes the PKI as `sangate pki` would: ca.crt, ca.crl and gateway, client, stranger, expired, revoked with
 * .crt and .key. Gives a function from a file's name to its path.
 */
export async function saveTestPki(directory: string): Promise<(name: string) => string> {
  const pki = await testPki();
  const path = (name: string): string => join(directory, name);
  await writeFile(path('ca.crt'), pki.ca);
  await writeFile(path('ca.crl'), pki.crl);
  for (const name of ['gateway', 'client', 'stranger', 'expired', 'revoked'] as const) {
    await writeFile(path(`${name}.crt`), pki[name].cert);
    await writeFile(path(`${name}.key`), pki[name].key, { mode: 0o600 });
  }
  return path;
}

async function mint(): Promise<TestPki> {
  const [authority, strangers] = await Promise.all([
    createAuthority({ commonName: CA_NAME, days: 365, ...FAST }),
    createAuthority({ commonName: CA_NAME, days: 365, ...FAST }),
  ]);
  const issueBy =
    (authority: CertificateAndKey) =>
    async (options: Partial<LeafOptions>): Promise<PemPair> => {
      const issued = await issueCertificate({ ...DB1, ...FAST, ...options, authority });
      return { cert: issued.certPem, key: issued.keyPem };
    };
  const issue = issueBy(authority);
  const [gateway, client, stranger, expired, revoked] = await Promise.all([
    issue({ commonName: 'gateway', usage: 'server', dns: ['localhost'], ip: ['127.0.0.1', '::1'], uri: [] }),
    issue({}),
    issueBy(strangers)({}),
    issue({ now: daysAgo(60) }),
    issue({}),
  ]);
  const crlOf = (certificates: readonly string[], now = new Date()): string =>
    createCrl({
      authority,
      revoked: certificates.map((pem) => ({ serial: new X509Certificate(pem).serialNumber, revokedAt: now })),
      number: 1,
      nextUpdateDays: 30,
      now,
    });
  return {
    ca: authority.certPem,
    authority,
    crl: crlOf([revoked.cert]),
    gateway,
    client,
    stranger,
    strangerCa: strangers.certPem,
    expired,
    revoked,
    issue,
    crlOf,
  };
}
