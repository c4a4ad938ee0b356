import type { X509Certificate } from 'node:crypto';
import { derElements, derInside, TAG, type DerElement } from './der.ts';

/**
 * A serial number as a key: its bytes as they stand in DER, where every integer has one form (X.690 §8.3.2), which OpenSSL
 * insists on. So one that begins with a high bit, or is negative, is the same in the certificate and in the list.
 */
export function serialKey(element: DerElement | undefined): string {
  if (element?.tag !== TAG.integer || element.content.length === 0) throw new RangeError('no serial number');
  return element.content.toString('latin1');
}

/** The serial number of a certificate (RFC 5280 §4.1.2.2), by the same key. */
export function serialKeyOf(certificate: X509Certificate): string {
  const [whole] = derElements(certificate.raw);
  const [toBeSigned] = derInside(whole);
  const [first, second] = derInside(toBeSigned);
  // a certificate of version 1 does not say so
  return serialKey(first?.tag === TAG.context0 ? second : first);
}
