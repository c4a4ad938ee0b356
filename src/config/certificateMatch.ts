import type { CertificateMatch } from '../policy/rules.ts';
import { parseDnsName } from './portal.ts';
import { quote, ValueError } from './problem.ts';

/** One reader for each property of a certificate that a rule may ask for. @throws ValueError */
export const CERTIFICATE_PROPERTIES = {
  uri: parseUri,
  dns: parseDns,
  cn: parseCommonName,
  sha256: parseFingerprint,
} as const satisfies Record<CertificateMatch['kind'], (text: string) => string>;

function parseUri(text: string): string {
  if (/^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/i.test(text)) return text;
  throw new ValueError(
    `${quote(text)} is not a URI`,
    'write it whole, as in the certificate: spiffe://example.org/db1',
  );
}

/** Certificates may hold wildcards for the use of web browsers; a rule that names an initiator has none. */
function parseDns(text: string): string {
  const name = parseDnsName(text);
  if (name !== undefined) return name;
  throw new ValueError(
    `${quote(text)} is not a DNS name`,
    'write it whole, without wildcard and final dot: db1.example.org',
  );
}

/** X.520's upper bound for a common name is 64 characters. */
function parseCommonName(text: string): string {
  if (/^[^\p{Cc}]{1,64}$/u.test(text) && text.trim() === text) return text;
  throw new ValueError(
    `${quote(text)} is not a common name`,
    'write 1 to 64 characters without spaces around them: db1',
  );
}

function parseFingerprint(text: string): string {
  const digits = text.replaceAll(':', '').toLowerCase();
  if (/^[0-9a-f]{64}$/.test(digits)) return digits;
  throw new ValueError(
    `${quote(text)} is not a SHA-256 fingerprint`,
    'write its 64 hex digits, with or without colons; openssl x509 -noout -fingerprint -sha256 -in db1.crt shows them',
  );
}
