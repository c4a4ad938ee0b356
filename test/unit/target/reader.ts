/** An initiator that reads when the test says so. */
export class Reader {
  #waiting: (() => void)[] = [];
  #reads = false;

  readonly taken = (): Promise<void> =>
    this.#reads ? Promise.resolve() : new Promise((resolve) => void this.#waiting.push(resolve));

  get unread(): number {
    return this.#waiting.length;
  }

  read(): void {
    this.#reads = true;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
