import { Figure } from './cell.ts';
import type { Clock } from './clock.ts';
import type { Tasks } from './tasks.ts';

/** More PDUs of commands than that in one chunk share nothing of its time. */
const MAX_TOUCHED = 64;

/**
 * The gateway's own time. Nothing cheaper than the clock can tell what one PDU cost, and the clock costs as much as a PDU; so the time
 * that a chunk took is shared out evenly among the commands whose PDUs it had. A chunk with nothing but the middle of data counts for
 * the command that was last seen. Encryption of what is written is in it, decryption of what was read is not.
 */
export class Processing {
  readonly #figures: Float64Array;
  readonly #tasks: Tasks;
  readonly #clock: Clock;
  readonly #touchedTasks = new Int32Array(MAX_TOUCHED);
  readonly #touchedCells = new Int32Array(MAX_TOUCHED);
  #touched = 0;
  #lastCell = -1;

  constructor(figures: Float64Array, tasks: Tasks, clock: Clock) {
    this.#figures = figures;
    this.#tasks = tasks;
    this.#clock = clock;
  }

  /** The chunk has a PDU of this task. */
  touch(task: number, cell: number): void {
    this.#lastCell = cell;
    if (this.#touched === MAX_TOUCHED) return;
    this.#touchedTasks[this.#touched] = task;
    this.#touchedCells[this.#touched] = cell;
    this.#touched++;
  }

  /** All of the chunk has been handed on. @param now ms; the clock still says when it came */
  endChunk(now: number): void {
    const elapsed = now - this.#clock[0]!;
    this.#clock[0] = now;
    const touched = this.#touched;
    if (touched === 0) {
      if (this.#lastCell !== -1) this.#figures[this.#lastCell + Figure.gateway]! += elapsed;
      return;
    }
    const share = elapsed / touched;
    for (let i = 0; i < touched; i++) {
      const task = this.#touchedTasks[i]!;
      this.#figures[this.#touchedCells[i]! + Figure.gateway]! += share;
      if (this.#tasks.isLive(task)) this.#tasks.handedOn(task);
    }
    this.#touched = 0;
  }
}
