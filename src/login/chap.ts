import { createHash, timingSafeEqual } from 'node:crypto';
import type { ChapAlgorithm } from '../policy/chapRequirement.ts';
import type { Secret } from '../policy/secret.ts';

/** A digest that CHAP may use, as CHAP_A names it on the wire (RFC 7143 §12.1.3). */
interface Digest {
  readonly number: number;
  /** Length of the response, and of the challenges we make, in bytes. */
  readonly length: number;
}

const DIGESTS: Record<ChapAlgorithm, Digest> = {
  md5: { number: 5, length: 16 },
  sha1: { number: 6, length: 20 },
  sha256: { number: 7, length: 32 },
  'sha3-256': { number: 8, length: 32 },
};

/** RFC 7143 §12.1.3: a challenge has at most 1024 bytes. */
export const MAX_CHALLENGE_LENGTH = 1024;

export function chapNumber(algorithm: ChapAlgorithm): number {
  return DIGESTS[algorithm].number;
}

/** Length of a response in bytes. */
export function chapLength(algorithm: ChapAlgorithm): number {
  return DIGESTS[algorithm].length;
}

/** The first algorithm of the peer's CHAP_A list, in the peer's order, that is allowed. */
export function chooseAlgorithm(list: string, allowed: readonly ChapAlgorithm[]): ChapAlgorithm | undefined {
  for (const wanted of list.split(',')) {
    const found = allowed.find((algorithm) => String(DIGESTS[algorithm].number) === wanted);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** H(identifier ‖ secret ‖ challenge), the whole challenge (RFC 1994 §4.1). */
export function chapResponse(
  algorithm: ChapAlgorithm,
  identifier: number,
  secret: Secret,
  challenge: Uint8Array,
): Buffer {
  return createHash(algorithm)
    .update(Uint8Array.of(identifier))
    .update(secret.reveal())
    .update(challenge)
    .digest();
}

/** Compares whole and in constant time; lengths must be equal. */
export function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
