import { isIP } from 'node:net';
import { signerOf } from './authority.ts';
import {
  commonNameField,
  DEFAULT_MODULUS_LENGTH,
  generateRsaKeyPair,
  signCertificate,
  validFor,
  type CertificateAndKey,
} from './certificate.ts';
import { PkiError } from './pkiError.ts';

/** `server` for a gateway, `client` for a stub; a certificate is good for one side only. */
type CertificateUsage = 'server' | 'client';

export interface LeafOptions {
  readonly commonName: string;
  readonly usage: CertificateUsage;
  /** Never beyond the end of the authority. */
  readonly days: number;
  readonly dns?: readonly string[];
  readonly ip?: readonly string[];
  /** E.g. `spiffe://sangate/db1`. */
  readonly uri?: readonly string[];
  /** RSA key length in bits; 3072 unless told. */
  readonly modulusLength?: number;
  readonly now?: Date;
}

export interface IssueOptions extends LeafOptions {
  readonly authority: CertificateAndKey;
}

/** A leaf certificate with a new key, signed by the authority. */
export async function issueCertificate(options: IssueOptions): Promise<CertificateAndKey> {
  const subject = [commonNameField(options.commonName)];
  const altNames = subjectAltNames(options);
  const signer = signerOf(options.authority);
  const { notBefore, notAfter } = validFor(options.days, options.now ?? new Date());
  const validity = { notBefore, notAfter: notAfter < signer.notAfter ? notAfter : signer.notAfter };
  const { publicKeyPem, keyPem } = await generateRsaKeyPair(options.modulusLength ?? DEFAULT_MODULUS_LENGTH);
  const extensions = [
    { name: 'basicConstraints', critical: true, cA: false },
    { name: 'keyUsage', critical: true, digitalSignature: true },
    { name: 'extKeyUsage', [options.usage === 'server' ? 'serverAuth' : 'clientAuth']: true },
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: signer.keyIdentifier },
    ...(altNames.length > 0 ? [{ name: 'subjectAltName', altNames }] : []),
  ];
  const contents = { subject, issuer: signer.name, validity, publicKeyPem, extensions };
  return { certPem: signCertificate(contents, signer.keyPem), keyPem };
}

/** GeneralName tags of RFC 5280 §4.2.1.6. */
const GENERAL_NAME = { dns: 2, uri: 6, ip: 7 } as const;

const DNS_NAME = /^(\*\.)?[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)*$/i;

function subjectAltNames({ dns = [], ip = [], uri = [], usage }: LeafOptions): object[] {
  for (const name of dns) {
    if (name.length > 253 || !DNS_NAME.test(name)) throw refused(name, 'DNS name', 'gw.example.org');
    if (isIP(name)) throw refused(name, 'DNS name', 'gw.example.org (addresses belong under ip)');
  }
  for (const address of ip) {
    if (!isIP(address) || address.includes('%'))
      throw refused(address, 'IP address', '192.0.2.1 or 2001:db8::1');
  }
  for (const value of uri) {
    if (!/^[!-~]+$/.test(value) || !URL.canParse(value)) throw refused(value, 'URI', 'spiffe://sangate/db1');
  }
  if (usage === 'server' && dns.length + ip.length === 0) {
    throw new PkiError('a server certificate needs a DNS name or an IP address that its clients dial');
  }
  return [
    ...dns.map((value) => ({ type: GENERAL_NAME.dns, value: value.toLowerCase() })),
    ...ip.map((address) => ({ type: GENERAL_NAME.ip, ip: address })),
    ...uri.map((value) => ({ type: GENERAL_NAME.uri, value })),
  ];
}

function refused(value: string, what: string, example: string): PkiError {
  return new PkiError(`${JSON.stringify(value)} is no ${what}: write it like ${example}`);
}
