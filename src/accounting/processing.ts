import { Figure } from './cell.ts';
import type { Clock } from './clock.ts';
import type { Tasks } from './tasks.ts';

/** More than a chunk has; what is beyond is put down to those before. */
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
  /** Tasks that will go on when the chunk has been handed on. */
  readonly #waiting = new Int32Array(MAX_TOUCHED);
  #waitingCount = 0;
  /** Cells in the order of their PDUs, and how many PDUs each had in a row. */
  readonly #cells = new Int32Array(MAX_TOUCHED);
  readonly #pdus = new Int32Array(MAX_TOUCHED);
  #runs = 0;
  #allPdus = 0;
  #lastCell = -1;

  constructor(figures: Float64Array, tasks: Tasks, clock: Clock) {
    this.#figures = figures;
    this.#tasks = tasks;
    this.#clock = clock;
  }

  /** The chunk has a PDU of this task, which goes on. */
  touch(task: number, cell: number): void {
    if (this.#waitingCount < MAX_TOUCHED) this.#waiting[this.#waitingCount++] = task;
    this.touchEnded(cell);
  }

  /** The chunk has the last PDU of a task. */
  touchEnded(cell: number): void {
    if ((cell !== this.#lastCell || this.#runs === 0) && this.#runs < MAX_TOUCHED) {
      this.#cells[this.#runs] = cell;
      this.#pdus[this.#runs++] = 0;
    }
    this.#lastCell = cell;
    this.#pdus[this.#runs - 1]!++;
    this.#allPdus++;
  }

  /** All of the chunk has been handed on. @param now ms; the clock still says when it came */
  endChunk(now: number): void {
    const elapsed = now - this.#clock[0]!;
    this.#clock[0] = now;
    if (this.#runs === 0) {
      if (this.#lastCell !== -1) this.#figures[this.#lastCell + Figure.gateway]! += elapsed;
      return;
    }
    const share = elapsed / this.#allPdus;
    for (let run = 0; run < this.#runs; run++) {
      this.#figures[this.#cells[run]! + Figure.gateway]! += share * this.#pdus[run]!;
    }
    for (let i = 0; i < this.#waitingCount; i++) this.#tasks.handedOn(this.#waiting[i]!);
    this.#runs = 0;
    this.#allPdus = 0;
    this.#waitingCount = 0;
  }
}
