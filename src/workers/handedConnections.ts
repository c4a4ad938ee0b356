import { Failure } from '../failures.ts';

/**
 * A worker that is well says at its next turn that it has a connection; one that reconsiders its sessions may need seconds. Initiators
 * give a login up after 15 s (open-iscsi) and come again: by then the place of the first try is free.
 */
const TAKE_MS = 10_000;

export interface HandedOptions {
  /** The worker's number, for whoever is told. */
  readonly worker: number;
  /** Tells the worker that a connection is given up: should it have it after all, or get it yet, it ends it. */
  readonly drop: (connection: number) => void;
  /** The worker has gone, or is about to: `clear` follows. */
  readonly isGone: () => boolean;
}

/**
 * The connections that one worker was handed, from control's side, each with what is kept of it until it ends. A socket may be lost on
 * its way without a word: where the worker has no file descriptor left, Node drops it.
 */
export class HandedConnections<Kept> {
  readonly #options: HandedOptions;
  readonly #kept = new Map<number, Kept>();
  #next = 1;

  constructor(options: HandedOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** @returns undefined of one that has ended, or was given up */
  get(connection: number): Kept | undefined {
    return this.#kept.get(connection);
  }

  /**
   * Hands one over.
   *
   * @param take sends it, and resolves when the worker says whether a socket has come with it
   * @param onRefused it was not taken in time, or at all, and is forgotten here: `not_taken`
   */
  hand(
    kept: Kept,
    take: (connection: number, deadlineMs: number) => Promise<boolean>,
    onRefused: (failure: Failure) => void,
  ): void {
    const connection = this.#next++;
    this.#kept.set(connection, kept);
    const giveUp = (why: string): void => {
      if (!this.#kept.delete(connection)) return; // it has come, and ended
      const { worker, drop } = this.#options;
      drop(connection);
      const message = `worker ${worker} did not take the connection: ${why}; it hangs, or has no file descriptor left (LimitNOFILE)`;
      onRefused(new Failure('not_taken', message));
    };
    take(connection, TAKE_MS).then(
      (hasCome) => {
        if (!hasCome) giveUp('its socket did not come through');
      },
      (error: unknown) => {
        if (!this.#options.isGone()) giveUp(error instanceof Error ? error.message : String(error));
      },
    );
  }

  /** It has ended. @returns what was kept of it */
  remove(connection: number): Kept | undefined {
    const kept = this.#kept.get(connection);
    this.#kept.delete(connection);
    return kept;
  }

  /** All have ended. @returns what was kept of them */
  clear(): readonly Kept[] {
    const all = [...this.#kept.values()];
    this.#kept.clear();
    return all;
  }
}
