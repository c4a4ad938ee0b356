import { bucketOf, DURATION_BOUNDS_MS } from './buckets.ts';
import { Figure } from './cell.ts';
import type { Clock } from './clock.ts';

/** More than any target's command window. What is beyond is counted, but not timed. */
const MAX_TASKS = 4096;
/** Places to begin with: deeper queues are few. */
const TASKS = 32;
const NONE = -1;

/** Fields of a task: whole numbers. NONE for a cell where there is no task. */
const CELL = 0;
const LUN = 1;
const ORDINAL = 2;
/** What data is on its way: 1 if unsolicited, and 2 for each R2T. */
const AWAITED = 3;
const WHOLE = 4;
const UNSOLICITED = 1;
const R2T = 2;
/** Others: bytes; when the command came, until when its time has been told apart, how long the target had the ball so far, in ms. */
const EXPECTED = 0;
const START = 1;
const MARK = 2;
const TARGET_TIME = 3;
const REAL = 4;

/**
 * The commands of one session that are under way, and whose turn it is at each: the initiator's as long as data is on its way that the
 * target asked for or that was announced with the command, else the target's. Its ball, so to say.
 *
 * A task is the number under which the relay has it, which finds it by its tag: one search for both. Here it may end before it does
 * there, for a target may forget a task.
 */
export class Tasks {
  #whole = new Int32Array(TASKS * WHOLE).fill(NONE);
  #real = new Float64Array(TASKS * REAL);
  #capacity = TASKS;
  readonly #figures: Float64Array;
  readonly #clock: Clock;
  #ordinal = 0;

  constructor(figures: Float64Array, clock: Clock) {
    this.#figures = figures;
    this.#clock = clock;
  }

  /** The cell of a task that is timed; else -1. */
  cellOf(task: number): number {
    return task >= 0 && task < this.#capacity ? this.#whole[task * WHOLE + CELL]! : NONE;
  }

  /** What the initiator expects to transfer, in bytes. */
  expectedOf(task: number): number {
    return this.#real[task * REAL + EXPECTED]!;
  }

  /** The last command's number; wraps round. */
  get ordinal(): number {
    return this.#ordinal;
  }

  /**
   * A command begins. One that still is there under its number was forgotten by its target.
   *
   * @param lun anything that tells logical units apart
   * @returns false if there is no place to time it
   */
  begin(task: number, cell: number, lun: number, expected: number, awaitsData: boolean): boolean {
    this.#ordinal = (this.#ordinal + 1) | 0;
    if (task >= MAX_TASKS) return false;
    if (task >= this.#capacity) this.#grow(task);
    const now = this.#clock[0]!;
    const whole = this.#whole;
    const real = this.#real;
    const at = task * WHOLE;
    if (whole[at + CELL] !== NONE) this.#countAborted(task);
    whole[at + CELL] = cell;
    whole[at + LUN] = lun;
    whole[at + ORDINAL] = this.#ordinal;
    whole[at + AWAITED] = awaitsData ? UNSOLICITED : 0;
    const realAt = task * REAL;
    real[realAt + EXPECTED] = expected;
    real[realAt + START] = now;
    real[realAt + MARK] = now;
    real[realAt + TARGET_TIME] = 0;
    return true;
  }

  /** The target asks for data. */
  r2t(task: number): void {
    this.#settle(task);
    this.#whole[task * WHOLE + AWAITED]! += R2T;
    this.#figures[this.cellOf(task) + Figure.r2ts]!++;
  }

  /** The last Data-Out of a burst. */
  dataEnded(task: number, isSolicited: boolean): void {
    this.#settle(task);
    const whole = this.#whole;
    const at = task * WHOLE + AWAITED;
    if (!isSolicited) whole[at]! &= ~UNSOLICITED;
    else if (whole[at]! >= R2T) whole[at]! -= R2T;
  }

  /** The gateway has had a PDU of the task until now: that was neither the target's time nor the initiator's. */
  handedOn(task: number): void {
    this.#real[task * REAL + MARK] = this.#clock[0]!;
  }

  /** The command has its status. */
  end(task: number): void {
    this.#settle(task);
    const real = this.#real;
    const figures = this.#figures;
    const cell = this.cellOf(task);
    const duration = this.#clock[0]! - real[task * REAL + START]!;
    const targetTime = real[task * REAL + TARGET_TIME]!;
    figures[cell + Figure.duration]! += duration;
    figures[cell + Figure.durationBuckets + bucketOf(DURATION_BOUNDS_MS, duration)]!++;
    figures[cell + Figure.targetDuration]! += targetTime;
    figures[cell + Figure.targetDurationBuckets + bucketOf(DURATION_BOUNDS_MS, targetTime)]!++;
    this.#remove(task);
  }

  /**
   * The command ends without a status, if it has not ended.
   *
   * @param ordinal as it was at a command behind which nothing is meant; absent: whichever it is
   */
  abort(task: number, ordinal = this.#ordinal): void {
    if (this.cellOf(task) === NONE) return;
    if (((this.#whole[task * WHOLE + ORDINAL]! - ordinal) | 0) > 0) return;
    this.#countAborted(task);
    this.#remove(task);
  }

  /**
   * So do all.
   *
   * @param lun undefined: of all logical units
   */
  abortAll(ordinal: number, lun?: number): void {
    for (let task = 0; task < this.#capacity; task++) {
      if (lun === undefined || this.#whole[task * WHOLE + LUN] === lun) this.abort(task, ordinal);
    }
  }

  #remove(task: number): void {
    this.#whole[task * WHOLE + CELL] = NONE;
  }

  #grow(task: number): void {
    while (this.#capacity <= task) this.#capacity *= 2;
    const whole = new Int32Array(this.#capacity * WHOLE).fill(NONE);
    whole.set(this.#whole);
    this.#whole = whole;
    const real = new Float64Array(this.#capacity * REAL);
    real.set(this.#real);
    this.#real = real;
  }

  #countAborted(task: number): void {
    this.#figures[this.cellOf(task) + Figure.aborted]!++;
  }

  /** Puts the time since the last turn down to whose turn it was. */
  #settle(task: number): void {
    const whole = this.#whole;
    const real = this.#real;
    const now = this.#clock[0]!;
    const elapsed = now - real[task * REAL + MARK]!;
    real[task * REAL + MARK] = now;
    const awaited = whole[task * WHOLE + AWAITED]!;
    if (awaited === 0) {
      real[task * REAL + TARGET_TIME]! += elapsed;
      return;
    }
    const cell = this.cellOf(task);
    this.#figures[cell + Figure.initiatorWait]! += elapsed;
    if (awaited >= R2T) this.#figures[cell + Figure.r2tWait]! += elapsed;
  }
}
