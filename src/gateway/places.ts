export interface PlaceLimits {
  readonly total: number;
  /** With one key. */
  readonly perKey: number;
}

/** The limit that is reached, and how many there are under it. */
export interface NoPlace {
  readonly limit: keyof PlaceLimits;
  readonly taken: number;
}

/** Counts who is there, in total and by a key: an address, a certificate. */
export class Places {
  /** For whoever comes from now on. */
  limits: PlaceLimits;
  readonly #byKey = new Map<string, number>();
  #total = 0;

  constructor(limits: PlaceLimits) {
    this.limits = limits;
  }

  /** @returns gives the place free, and may be called more than once; or why there is none */
  take(key: string): (() => void) | NoPlace {
    const alike = this.#byKey.get(key) ?? 0;
    if (this.#total >= this.limits.total) return { limit: 'total', taken: this.#total };
    if (alike >= this.limits.perKey) return { limit: 'perKey', taken: alike };
    this.#total++;
    this.#byKey.set(key, alike + 1);
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      this.#total--;
      const left = this.#byKey.get(key)! - 1;
      if (left === 0) this.#byKey.delete(key);
      else this.#byKey.set(key, left);
    };
  }

  get taken(): number {
    return this.#total;
  }
}
