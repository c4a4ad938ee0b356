import type { X509Certificate } from 'node:crypto';
import { Failure } from '../failures.ts';
import type { CertificateIdentity } from '../policy/subject.ts';
import { fingerprintOf } from './fingerprint.ts';
import { parseSubjectAltName, type AltName } from './subjectAltName.ts';

/**
 * What a certificate says about its holder; verifying the chain is the gate's work. Names that no honest
 * certificate carries (control characters, spaces, anything but ASCII in dns and uri) are left out, so no rule
 * can match them. Throws `Failure('bad_cert')` if the certificate cannot be read without doubt.
 */
export function certificateIdentity(certificate: X509Certificate): CertificateIdentity {
  const names = altNames(certificate);
  const cn = commonName(certificate);
  const notAfter = Date.parse(certificate.validTo);
  if (Number.isNaN(notAfter))
    throw new Failure('bad_cert', 'the certificate has no readable end of validity');
  return {
    ...(cn !== undefined && { cn }),
    dns: valuesOf('DNS', names).map((name) => name.toLowerCase()),
    uri: valuesOf('URI', names),
    sha256: fingerprintOf(certificate),
    serial: certificate.serialNumber.toUpperCase(),
    notAfter,
  };
}

function altNames(certificate: X509Certificate): AltName[] {
  try {
    return parseSubjectAltName(certificate.subjectAltName ?? '');
  } catch (cause) {
    throw new Failure('bad_cert', `the certificate's names cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** RFC 5280 §4.2.1.6: both forms are IA5String; a space or a control character has no place in either. */
function valuesOf(type: 'DNS' | 'URI', names: readonly AltName[]): string[] {
  return names.filter((name) => name.type === type && /^[!-~]+$/.test(name.value)).map(({ value }) => value);
}

/**
 * From the decoded attributes, not from `subject`: that is text in lines, and a name may hold whatever looks
 * like another line. Several CommonNames come as an array.
 */
function commonName(certificate: X509Certificate): string | undefined {
  const subject = certificate.toLegacyObject().subject as Record<string, unknown> | undefined;
  const cn = subject?.['CN'];
  return typeof cn === 'string' && /^[^\p{C}]+$/u.test(cn) ? cn : undefined;
}
