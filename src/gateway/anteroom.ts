import { Failure } from '../failures.ts';

export interface AnteroomLimits {
  /** Connections before authentication, in total. */
  readonly unauthenticated: number;
  readonly unauthenticatedPerAddress: number;
}

/**
 * Counts the connections that have not authenticated yet, from the moment TCP accepts them: a flood of them must cost neither
 * memory nor the places of those who are let in (RFC 7143 §9.1).
 */
export class Anteroom {
  /** For whoever comes from now on. */
  limits: AnteroomLimits;
  readonly #byAddress = new Map<string, number>();
  #total = 0;

  constructor(limits: AnteroomLimits) {
    this.limits = limits;
  }

  /**
   * @returns leaves the anteroom; may be called more than once
   * @throws Failure `too_many_connections`
   */
  enter(address: string): () => void {
    const here = this.#byAddress.get(address) ?? 0;
    if (this.#total >= this.limits.unauthenticated) {
      throw new Failure(
        'too_many_connections',
        `${this.#total} connections are before authentication, no more are taken (limits.unauthenticated)`,
      );
    }
    if (here >= this.limits.unauthenticatedPerAddress) {
      throw new Failure(
        'too_many_connections',
        `${here} connections from ${address} are before authentication, no more are taken (limits.unauthenticatedPerAddress)`,
      );
    }
    this.#total++;
    this.#byAddress.set(address, here + 1);
    let isInside = true;
    return () => {
      if (!isInside) return;
      isInside = false;
      this.#total--;
      const left = this.#byAddress.get(address)! - 1;
      if (left === 0) this.#byAddress.delete(address);
      else this.#byAddress.set(address, left);
    };
  }

  get size(): number {
    return this.#total;
  }
}
