import { X509Certificate, createPrivateKey } from 'node:crypto';
import forge from 'node-forge';
import {
  commonNameField,
  DEFAULT_MODULUS_LENGTH,
  generateRsaKeyPair,
  signCertificate,
  validFor,
  type CertificateAndKey,
} from './certificate.ts';
import { PkiError } from './pkiError.ts';

export interface AuthorityOptions {
  readonly commonName: string;
  readonly days: number;
  /** RSA key length in bits; 3072 unless told. */
  readonly modulusLength?: number;
  readonly now?: Date;
}

/** A self-signed CA that may sign leaf certificates and CRLs, but no further CA. */
export async function createAuthority(options: AuthorityOptions): Promise<CertificateAndKey> {
  const subject = [commonNameField(options.commonName)];
  const validity = validFor(options.days, options.now ?? new Date());
  const { publicKeyPem, keyPem } = await generateRsaKeyPair(options.modulusLength ?? DEFAULT_MODULUS_LENGTH);
  const extensions = [
    { name: 'basicConstraints', critical: true, cA: true, pathLenConstraint: 0 },
    { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: true },
  ];
  const certPem = signCertificate({ subject, issuer: subject, validity, publicKeyPem, extensions }, keyPem);
  return { certPem, keyPem };
}

/** What signing needs of a CA: its name, its key identifier as bytes (forge's binary string), the end of its days. */
export interface Signer {
  readonly name: forge.pki.CertificateField[];
  readonly keyIdentifier: string;
  readonly notAfter: Date;
  readonly keyPem: string;
}

/** Reads a CA that createAuthority made; refuses a pair that does not belong together. */
export function signerOf(authority: CertificateAndKey): Signer {
  const certificate = new X509Certificate(authority.certPem);
  if (!certificate.ca) throw new PkiError('the certificate of the authority is not a CA certificate');
  if (!certificate.checkPrivateKey(createPrivateKey(authority.keyPem))) {
    throw new PkiError("the authority's key does not belong to its certificate");
  }
  const { publicKey } = certificate;
  if (publicKey.asymmetricKeyType !== 'rsa') {
    throw new PkiError(`only an RSA authority can issue here, this one is ${publicKey.asymmetricKeyType}`);
  }
  const parsed = forge.pki.certificateFromPem(authority.certPem);
  const extension = parsed.getExtension('subjectKeyIdentifier') as
    { subjectKeyIdentifier: string } | undefined;
  if (!extension)
    throw new PkiError('the authority has no subjectKeyIdentifier: make one with `sangate pki init`');
  return {
    name: parsed.subject.attributes,
    keyIdentifier: forge.util.hexToBytes(extension.subjectKeyIdentifier),
    notAfter: parsed.validity.notAfter,
    keyPem: authority.keyPem,
  };
}
