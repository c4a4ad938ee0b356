import type { Secret } from './secret.ts';

/**
 * Digests for CHAP (RFC 7143 §12.1.3, IANA "PPP CHAP algorithms") in the order in which we offer them: MD5, which every target
 * has to know, comes first, because some take the newer numbers for something else (tgt reads 7 as SHA-1) and then fail.
 */
export const CHAP_ALGORITHMS = ['md5', 'sha256', 'sha3-256', 'sha1'] as const;

export type ChapAlgorithm = (typeof CHAP_ALGORITHMS)[number];

export interface ChapCredentials {
  readonly user: string;
  readonly secret: Secret;
}

/**
 * CHAP on one leg: what the initiator side proves, what the target side proves in return, and the digests
 * that are allowed. Each leg has its own; the two never share a secret.
 */
export interface ChapRequirement extends ChapCredentials {
  readonly algorithms: readonly ChapAlgorithm[];
  readonly mutual?: ChapCredentials;
}
