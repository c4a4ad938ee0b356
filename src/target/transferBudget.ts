/** Bytes that the tasks of one session may hold together. */
const BUDGET = 64 * 1024 * 1024;

interface Reservation {
  readonly owner: object;
  readonly bytes: number;
  readonly start: () => void;
}

/** Starts tasks in order, as long as what they hold fits into memory together; one alone always starts. */
export class TransferBudget {
  #waiting: Reservation[] = [];
  /** Bytes that each owner holds. */
  readonly #held = new Map<object, number>();
  #used = 0;

  /** Calls `start` when there is room for the bytes, at once if there is some now. One reservation an owner. */
  reserve(owner: object, bytes: number, start: () => void): void {
    this.#waiting.push({ owner, bytes, start });
    this.#startNext();
  }

  /** Gives back what the owner holds, or its place in the queue. */
  release(owner: object): void {
    this.#used -= this.#held.get(owner) ?? 0;
    this.#held.delete(owner);
    this.#waiting = this.#waiting.filter((reservation) => reservation.owner !== owner);
    this.#startNext();
  }

  #startNext(): void {
    for (;;) {
      const next = this.#waiting[0];
      if (next === undefined || (this.#used > 0 && this.#used + next.bytes > BUDGET)) return;
      this.#waiting.shift();
      this.#used += next.bytes;
      this.#held.set(next.owner, next.bytes);
      next.start();
    }
  }
}
