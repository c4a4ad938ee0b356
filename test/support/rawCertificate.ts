import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import forge from 'node-forge';
import { signCertificate, validFor } from '../../src/pki/certificate.ts';

/** A GeneralName (RFC 5280 §4.2.1.6): type 1 is a mail address, 2 a DNS name, 6 a URI; value byte by byte. */
export interface RawAltName {
  readonly type: number;
  readonly value: string;
}

const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

/** A self-signed certificate with just these names, such as no honest authority would issue. */
export function rawCertificate(names: {
  commonNames?: readonly string[];
  altNames?: readonly RawAltName[];
}): X509Certificate {
  const subject = (names.commonNames ?? []).map((value) => ({
    name: 'commonName',
    value,
    valueTagClass: forge.asn1.Type.UTF8 as never,
  }));
  const { altNames = [] } = names;
  // Written here, for forge drops a leading NUL of a DNS name.
  const generalNames = altNames.map(({ type, value }) => tlv(0x80 | type, value)).join('');
  const extensions = altNames.length > 0 ? [{ id: SUBJECT_ALT_NAME, value: tlv(0x30, generalNames) }] : [];
  const validity = validFor(1, new Date());
  return new X509Certificate(
    signCertificate(
      {
        subject,
        issuer: [{ name: 'commonName', value: 'x' }],
        validity,
        publicKeyPem: publicKey,
        extensions,
      },
      privateKey,
    ),
  );
}

const SUBJECT_ALT_NAME = '2.5.29.17';

/** One DER element as a string of bytes, with the length in two bytes where one does not do. */
function tlv(tag: number, content: string): string {
  const { length } = content;
  const header = length < 0x80 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff];
  if (length >= 0x80 && length < 0x100) header.splice(1, 2, 0x81);
  return String.fromCharCode(...header) + content;
}
