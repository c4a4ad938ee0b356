/** So many are told word for word: an answer may have tens of thousands. */
const TOLD = 10;

/** Records that arrays have sent and that were left out: the first of them in words, and how many more there were. */
export class MalformedRecords {
  readonly #told: string[] = [];
  #others = 0;

  /** @param describe what is wrong with it; not called for those that are only counted */
  add(describe: () => string): void {
    if (this.#told.length < TOLD) this.#told.push(describe());
    else this.#others++;
  }

  /** One line for each that is told, and maybe one for the others. */
  get problems(): readonly string[] {
    return this.#others === 0
      ? [...this.#told]
      : [...this.#told, `and ${this.#others} more malformed records`];
  }
}
