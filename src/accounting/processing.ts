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
  /** Cells in the order of their PDUs, and how many PDUs each had in a row; the last one's are in `#pdusInRun`. */
  readonly #cells = new Int32Array(MAX_TOUCHED);
  readonly #pdus = new Int32Array(MAX_TOUCHED);
  #runs = 0;
  /** -1 while the chunk has had nothing of a command. */
  #cell = -1;
  #pdusInRun = 0;
  /** As it was when the last chunk had been handed on. */
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
    if (cell !== this.#cell) this.#beginRun(cell);
    this.#pdusInRun++;
  }

  /** All of the chunk has been handed on. @param now ms; the clock still says when it came */
  endChunk(now: number): void {
    const elapsed = now - this.#clock[0]!;
    this.#clock[0] = now;
    if (this.#cell === -1) {
      if (this.#lastCell !== -1) this.#figures[this.#lastCell + Figure.gateway]! += elapsed;
      return;
    }
    this.#shareOut(elapsed);
    for (let i = 0; i < this.#waitingCount; i++) this.#tasks.handedOn(this.#waiting[i]!);
    this.#waitingCount = 0;
  }

  #beginRun(cell: number): void {
    if (this.#runs > 0) this.#pdus[this.#runs - 1] = this.#pdusInRun;
    this.#cell = cell;
    if (this.#runs === MAX_TOUCHED) return;
    this.#cells[this.#runs++] = cell;
    this.#pdusInRun = 0;
  }

  #shareOut(elapsed: number): void {
    this.#pdus[this.#runs - 1] = this.#pdusInRun;
    let pdus = 0;
    for (let run = 0; run < this.#runs; run++) pdus += this.#pdus[run]!;
    for (let run = 0; run < this.#runs; run++) {
      this.#figures[this.#cells[run]! + Figure.gateway]! += (elapsed * this.#pdus[run]!) / pdus;
    }
    this.#runs = 0;
    this.#pdusInRun = 0;
    this.#lastCell = this.#cell;
    this.#cell = -1;
  }
}
