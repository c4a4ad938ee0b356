const SECOND = 1000;

/** Lets so many lines through in a time, a second unless told, and counts those that it holds back: a flood of strangers must not fill the disk. */
export class LineLimit {
  readonly #lines: number;
  readonly #milliseconds: number;
  #since = Number.NEGATIVE_INFINITY;
  #written = 0;
  #heldBack = 0;

  constructor(lines: number, milliseconds = SECOND) {
    this.#lines = lines;
    this.#milliseconds = milliseconds;
  }

  /**
   * @param before lines like it that another limit has held back since the last one that came here
   * @returns how many lines were held back since the last one that was written; undefined if this one is held back too
   */
  take(before = 0): number | undefined {
    this.#heldBack += before;
    const now = performance.now();
    if (now - this.#since >= this.#milliseconds) {
      this.#since = now;
      this.#written = 0;
    }
    if (this.#written >= this.#lines) {
      this.#heldBack++;
      return undefined;
    }
    this.#written++;
    return this.release();
  }

  /** One that is written whatever the limit. @returns how many lines were held back since the last one */
  release(): number {
    const heldBack = this.#heldBack;
    this.#heldBack = 0;
    return heldBack;
  }
}
