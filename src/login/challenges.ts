/** One challenge of ours that a peer has yet to answer. */
export interface Challenge {
  readonly identifier: number;
  readonly bytes: Buffer;
}

/**
 * All challenges that this process has sent and not yet retired, on every connection and on both legs. A peer that
 * sends one of them back as its own wants us to answer it for him (RFC 7143 §9.2.1, reflection).
 */
export class Challenges {
  readonly #randomBytes: (length: number) => Buffer;
  readonly #outstanding = new Set<string>();

  /** @param randomBytes a cryptographically secure source, handed in */
  constructor(randomBytes: (length: number) => Buffer) {
    this.#randomBytes = randomBytes;
  }

  /** @param length in bytes, at least that of the digest */
  issue(length: number): Challenge {
    const bytes = this.#randomBytes(length);
    this.#outstanding.add(bytes.toString('latin1'));
    return { identifier: this.#randomBytes(1)[0]!, bytes };
  }

  isOurs(challenge: Buffer): boolean {
    return this.#outstanding.has(challenge.toString('latin1'));
  }

  /** To be called when the login that the challenge belongs to has ended, however it ended. */
  retire(challenge: Challenge): void {
    this.#outstanding.delete(challenge.bytes.toString('latin1'));
  }

  get outstanding(): number {
    return this.#outstanding.size;
  }
}
