import { generateKeyPair, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import forge from 'node-forge';
import { PkiError } from './pkiError.ts';
import { signToPem, SIGNATURE_OID } from './signing.ts';

/** A certificate with its private key (PKCS #8), both PEM. */
export interface CertificateAndKey {
  readonly certPem: string;
  readonly keyPem: string;
}

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export interface CertificateContents {
  readonly subject: forge.pki.CertificateField[];
  readonly issuer: forge.pki.CertificateField[];
  readonly validity: Validity;
  readonly publicKeyPem: string;
  /** In forge's notation: `{ name: 'keyUsage', critical: true, … }`. */
  readonly extensions: object[];
}

export const DEFAULT_MODULUS_LENGTH = 3072;

const DAY = 86_400_000;
/** Peers' clocks may be slow: what is issued now is valid for them as well. */
const BACKDATED = 5 * 60_000;

export function validFor(days: number, now: Date): Validity {
  if (!Number.isInteger(days) || days < 1 || days > 36_500) {
    throw new PkiError(`a validity of ${days} days is not possible: give a whole number from 1 to 36500`);
  }
  return { notBefore: new Date(now.getTime() - BACKDATED), notAfter: new Date(now.getTime() + days * DAY) };
}

export async function generateRsaKeyPair(
  modulusLength: number,
): Promise<{ publicKeyPem: string; keyPem: string }> {
  if (modulusLength < 2048) {
    throw new PkiError(`RSA keys of ${modulusLength} bits are too weak: use 3072, or 2048 at the least`);
  }
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return { publicKeyPem: publicKey, keyPem: privateKey };
}

export function commonNameField(commonName: string): forge.pki.CertificateField {
  // RFC 5280 appendix A: ub-common-name is 64; control characters would let a name draw lines in a terminal or log.
  if (!/^[^\p{C}]{1,64}$/u.test(commonName)) {
    throw new PkiError(
      `${JSON.stringify(commonName)} is no common name: 1 to 64 characters, no control characters`,
    );
  }
  return { name: 'commonName', value: commonName, valueTagClass: forge.asn1.Type.UTF8 as never };
}

/** An X.509 v3 certificate (RFC 5280 §4.1) signed by the issuer's key; PEM. */
export function signCertificate(contents: CertificateContents, issuerKeyPem: string): string {
  const certificate = forge.pki.createCertificate();
  certificate.serialNumber = randomSerial();
  certificate.publicKey = forge.pki.publicKeyFromPem(contents.publicKeyPem);
  certificate.validity.notBefore = contents.validity.notBefore;
  certificate.validity.notAfter = contents.validity.notAfter;
  certificate.setSubject(contents.subject);
  certificate.setIssuer(contents.issuer);
  certificate.setExtensions(contents.extensions);
  certificate.signatureOid = SIGNATURE_OID;
  certificate.siginfo.algorithmOid = SIGNATURE_OID;
  const [toBeSigned] = forge.pki.certificateToAsn1(certificate).value as forge.asn1.Asn1[];
  return signToPem('CERTIFICATE', toBeSigned!, issuerKeyPem);
}

/** Positive, in its shortest form, and with 128 random bits (RFC 5280 §4.1.2.2 allows 20 octets); hex. */
function randomSerial(): string {
  return `01${randomBytes(16).toString('hex')}`;
}
