/** Bytes that the running tasks of one session may hold together. */
const BUDGET = 64 * 1024 * 1024;

/** Starts tasks in order, as long as what they move fits into memory together; one alone always runs. */
export class TransferBudget {
  readonly #waiting: { readonly bytes: number; readonly work: () => Promise<void> }[] = [];
  #used = 0;

  /** @param work must not reject */
  run(bytes: number, work: () => Promise<void>): void {
    this.#waiting.push({ bytes, work });
    this.#start();
  }

  #start(): void {
    for (;;) {
      const next = this.#waiting[0];
      if (next === undefined || (this.#used > 0 && this.#used + next.bytes > BUDGET)) return;
      this.#waiting.shift();
      this.#used += next.bytes;
      void next.work().finally(() => {
        this.#used -= next.bytes;
        this.#start();
      });
    }
  }
}
