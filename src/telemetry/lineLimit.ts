const SECOND = 1000;

/** Lets so many lines through in a second and counts those that it holds back: a flood of strangers must not fill the disk. */
export class LineLimit {
  readonly #perSecond: number;
  #since = Number.NEGATIVE_INFINITY;
  #written = 0;
  #heldBack = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** @returns how many lines were held back since the last one that was written; undefined if this one is held back too */
  take(): number | undefined {
    const now = performance.now();
    if (now - this.#since >= SECOND) {
      this.#since = now;
      this.#written = 0;
    }
    if (this.#written >= this.#perSecond) {
      this.#heldBack++;
      return undefined;
    }
    this.#written++;
    const heldBack = this.#heldBack;
    this.#heldBack = 0;
    return heldBack;
  }
}
