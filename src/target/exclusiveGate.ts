interface Waiting {
  readonly exclusive: boolean;
  readonly start: () => void;
}

/**
 * Lets ordinary commands run side by side and an atomic one alone. First come, first served: a waiting exclusive
 * command holds back those that come after it, so it is not starved.
 */
export class ExclusiveGate {
  #running = 0;
  #exclusive = false;
  readonly #waiting: Waiting[] = [];

  shared<T>(work: () => Promise<T>): Promise<T> {
    return this.#run(false, work);
  }

  exclusive<T>(work: () => Promise<T>): Promise<T> {
    return this.#run(true, work);
  }

  async #run<T>(exclusive: boolean, work: () => Promise<T>): Promise<T> {
    if (this.#waiting.length === 0 && this.#admits(exclusive)) this.#enter(exclusive);
    else await new Promise<void>((start) => this.#waiting.push({ exclusive, start }));
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  #admits(exclusive: boolean): boolean {
    return exclusive ? this.#running === 0 : !this.#exclusive;
  }

  #enter(exclusive: boolean): void {
    this.#running++;
    this.#exclusive = exclusive;
  }

  #leave(): void {
    this.#running--;
    this.#exclusive = false;
    for (
      let next = this.#waiting[0];
      next !== undefined && this.#admits(next.exclusive);
      next = this.#waiting[0]
    ) {
      this.#waiting.shift();
      this.#enter(next.exclusive); // on behalf of the waiter, before anybody else can come in
      next.start();
    }
  }
}
