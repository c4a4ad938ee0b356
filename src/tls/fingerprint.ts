import type { X509Certificate } from 'node:crypto';

/** The SHA-256 fingerprint, as it is written everywhere: 64 lower-case hex digits without colons. */
export const fingerprintOf = ({ fingerprint256 }: X509Certificate): string =>
  fingerprint256.replaceAll(':', '').toLowerCase();
