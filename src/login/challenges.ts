import { createHmac, timingSafeEqual } from 'node:crypto';

/** One challenge of ours that a peer has yet to answer. */
export interface Challenge {
  readonly identifier: number;
  readonly bytes: Buffer;
}

/** Of the shortest digest; no challenge is shorter. */
const MIN_LENGTH = 16;
/** Of a challenge, what is random at least: no two of ours are alike, and nobody can foresee one (RFC 1994 §2.3). */
const NONCE_LENGTH = 12;

/**
 * Makes challenges, and knows them again: a peer that sends one of ours back as its own, on any connection and on either leg, wants
 * us to answer it for him (RFC 7143 §9.2.1, reflection). Nothing is kept of them: each ends in a keyed hash of what it begins with, so
 * that whoever has the key, in this process or another, recognises it. To everybody else both parts look random.
 */
export class Challenges {
  readonly #randomBytes: (length: number) => Buffer;
  readonly #key: Buffer;

  /**
   * @param randomBytes a cryptographically secure source, handed in
   * @param key 32 bytes that all who are to recognise each other's challenges share, and nobody else has
   */
  constructor(randomBytes: (length: number) => Buffer, key: Buffer = randomBytes(32)) {
    this.#randomBytes = randomBytes;
    this.#key = key;
  }

  /** @param length in bytes, at least that of the digest, and thus 16 */
  issue(length: number): Challenge {
    const nonce = this.#randomBytes(nonceLength(length));
    const bytes = Buffer.concat([nonce, this.#mark(nonce, length)]);
    return { identifier: this.#randomBytes(1)[0]!, bytes };
  }

  isOurs(challenge: Buffer): boolean {
    const { length } = challenge;
    if (length < MIN_LENGTH) return false;
    const at = nonceLength(length);
    const nonce = challenge.subarray(0, at);
    return timingSafeEqual(challenge.subarray(at), this.#mark(nonce, length));
  }

  #mark(nonce: Buffer, length: number): Buffer {
    const hash = createHmac('sha256', this.#key).update(nonce).digest();
    return hash.subarray(0, length - nonce.length);
  }
}

/** A hash of 4 bytes, of the 16 for MD5, takes one in 4 billion challenges of a peer for ours: that login fails, and the next does not. */
function nonceLength(length: number): number {
  return Math.max(NONCE_LENGTH, Math.ceil(length / 2), length - 32);
}
