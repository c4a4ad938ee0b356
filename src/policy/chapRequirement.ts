import type { Secret } from './secret.ts';

/** Digests for CHAP in the order in which we offer or prefer them (RFC 7143 §12.1.3, IANA "PPP CHAP algorithms"). */
export const CHAP_ALGORITHMS = ['sha3-256', 'sha256', 'sha1', 'md5'] as const;

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
