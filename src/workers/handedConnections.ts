import { Failure } from '../failures.ts';

/**
 * A worker that is well says at its next turn that it has a connection; one that reconsiders its sessions may need seconds. Initiators
 * give a login up after 15 s (open-iscsi) and come again: by then the place of the first try is free.
 */
const TAKE_MS = 10_000;

/**
 * Node hands a process its next socket when it has acknowledged the last, one a turn of its event loop, and all that is said to the
 * process meanwhile waits behind them. Two keep the way full; the rest waits here, where what else is said overtakes it.
 */
const UNDER_WAY = 2;

export interface HandedOptions {
  /** The worker's number, for whoever is told. */
  readonly worker: number;
  /**
   * Tells the worker that a connection is given up: should it have it after all, or get it yet, it ends it. Settles when the worker
   * has read that, and with it all that was sent before, or is not waited for any more.
   */
  readonly drop: (connection: number) => Promise<void>;
  /** The worker has gone, or is about to: `clear` follows. */
  readonly isGone: () => boolean;
}

/** One that is not sent yet. */
interface Waiting {
  readonly connection: number;
  /** By `performance.now()`. */
  readonly deadline: number;
  readonly take: Take;
  readonly onRefused: (failure: Failure) => void;
  readonly timer: NodeJS.Timeout;
}

type Take = (connection: number, deadlineMs: number) => Promise<boolean>;

/**
 * The connections that one worker was handed, from control's side, each with what is kept of it until it ends. A socket may be lost on
 * its way without a word: where the worker has no file descriptor left, Node drops it.
 */
export class HandedConnections<Kept> {
  readonly #options: HandedOptions;
  readonly #kept = new Map<number, Kept>();
  /** The oldest is the first. */
  readonly #waiting = new Set<Waiting>();
  #underWay = 0;
  #next = 1;
  #notTakenAt: number | undefined;

  constructor(options: HandedOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** When the worker last failed to take one, by `performance.now()`. */
  get notTakenAt(): number | undefined {
    return this.#notTakenAt;
  }

  /** @returns undefined of one that has ended, or was given up */
  get(connection: number): Kept | undefined {
    return this.#kept.get(connection);
  }

  /**
   * Hands one over, as soon as few are under way.
   *
   * @param take sends it, and resolves when the worker says whether a socket has come with it
   * @param onRefused it was not taken in time, or at all, and is forgotten here: `not_taken`; or the worker has gone before it was
   * sent: `worker_lost`
   */
  hand(kept: Kept, take: Take, onRefused: (failure: Failure) => void): void {
    const connection = this.#next++;
    this.#kept.set(connection, kept);
    const timer = setTimeout(() => {
      this.#waiting.delete(waiting);
      this.#giveUp(waiting, `it waited ${TAKE_MS / 1000} s behind others`);
    }, TAKE_MS);
    timer.unref();
    const waiting = { connection, deadline: performance.now() + TAKE_MS, take, onRefused, timer };
    this.#waiting.add(waiting);
    this.#sendNext();
  }

  /** It has ended. @returns what was kept of it */
  remove(connection: number): Kept | undefined {
    const kept = this.#kept.get(connection);
    this.#kept.delete(connection);
    return kept;
  }

  /** The worker has gone. What was not sent yet is refused, all others have ended. @returns what was kept of those */
  clear(): readonly Kept[] {
    const { worker } = this.#options;
    for (const { connection, onRefused, timer } of this.#waiting) {
      clearTimeout(timer);
      this.#kept.delete(connection);
      onRefused(new Failure('worker_lost', `worker ${worker} has gone, and was not sent the connection yet`));
    }
    this.#waiting.clear();
    const all = [...this.#kept.values()];
    this.#kept.clear();
    return all;
  }

  #sendNext(): void {
    if (this.#underWay >= UNDER_WAY || this.#options.isGone()) return;
    for (const waiting of this.#waiting) {
      this.#waiting.delete(waiting);
      clearTimeout(waiting.timer);
      this.#underWay++;
      void this.#send(waiting).then(() => {
        this.#underWay--;
        this.#sendNext();
      });
      return;
    }
  }

  /** Resolves when it is not under way any more. */
  async #send(waiting: Waiting): Promise<void> {
    const { connection, deadline, take } = waiting;
    try {
      const hasCome = await take(connection, Math.max(0, Math.ceil(deadline - performance.now())));
      if (!hasCome) this.#giveUp(waiting, 'its socket did not come through');
    } catch (error) {
      if (this.#options.isGone()) return;
      const isKnown = this.#giveUp(waiting, error instanceof Error ? error.message : String(error));
      // Whoever hangs may have it before it yet: what comes after it waits here, not on the way.
      if (isKnown) await this.#options.drop(connection).catch(() => {});
    }
  }

  /** @returns false if it has come, and ended */
  #giveUp({ connection, onRefused }: Waiting, why: string): boolean {
    if (!this.#kept.delete(connection)) return false;
    this.#notTakenAt = performance.now();
    const message = `worker ${this.#options.worker} did not take the connection: ${why}; it hangs, or has no file descriptor left (LimitNOFILE)`;
    onRefused(new Failure('not_taken', message));
    return true;
  }
}
