import { bucketOf, DURATION_BOUNDS_MS } from './buckets.ts';
import { Figure } from './cell.ts';
import { TagTable } from './tagTable.ts';

/** More than any target's command window. What is beyond is counted, but not timed. */
const MAX_TASKS = 4096;
const TASKS = 32;

/** Fields of a task. */
const CELL = 0;
const LUN = 1;
const ORDINAL = 2;
const EXPECTED = 3;
/** When the command came, and until when its time has been told apart; ms. */
const START = 4;
const MARK = 5;
/** How long the target had the ball so far; ms. */
const TARGET_TIME = 6;
/** R2Ts whose data is on its way, and whether unsolicited data is. */
const R2TS = 7;
const UNSOLICITED = 8;
const WIDTH = 9;

/**
 * The commands of one session that are under way, and whose turn it is at each: the initiator's as long as data is on its way that the
 * target asked for or that was announced with the command, else the target's. Its ball, so to say.
 */
export class Tasks {
  readonly #table = new TagTable(WIDTH, TASKS, MAX_TASKS);
  readonly #figures: Float64Array;
  #ordinal = 0;

  constructor(figures: Float64Array) {
    this.#figures = figures;
  }

  /** @returns the task with this tag, or -1 */
  find(initiatorTaskTag: number): number {
    return this.#table.find(initiatorTaskTag);
  }

  isLive(task: number): boolean {
    return this.#table.isLive(task);
  }

  cellOf(task: number): number {
    return this.#table.fields[task * WIDTH + CELL]!;
  }

  /** What the initiator expects to transfer, in bytes. */
  expectedOf(task: number): number {
    return this.#table.fields[task * WIDTH + EXPECTED]!;
  }

  /** The next command comes later than all those whose number is below this. */
  get ordinal(): number {
    return this.#ordinal;
  }

  /**
   * A command begins. A task of that tag that still is there was forgotten by its target.
   *
   * @param lun anything that tells logical units apart
   * @returns the task, or -1 if there is no place
   */
  begin(
    initiatorTaskTag: number,
    cell: number,
    lun: number,
    expected: number,
    awaitsData: boolean,
    now: number,
  ): number {
    const table = this.#table;
    const forgotten = table.find(initiatorTaskTag);
    if (forgotten !== -1) this.abort(forgotten);
    this.#ordinal++;
    const task = table.add(initiatorTaskTag);
    if (task === -1) return -1;
    const { fields } = table;
    const at = task * WIDTH;
    fields[at + CELL] = cell;
    fields[at + LUN] = lun;
    fields[at + ORDINAL] = this.#ordinal;
    fields[at + EXPECTED] = expected;
    fields[at + START] = now;
    fields[at + MARK] = now;
    fields[at + TARGET_TIME] = 0;
    fields[at + R2TS] = 0;
    fields[at + UNSOLICITED] = awaitsData ? 1 : 0;
    this.#figures[cell + Figure.inFlight]!++;
    return task;
  }

  /** The target asks for data. */
  r2t(task: number, now: number): void {
    this.#settle(task, now);
    this.#table.fields[task * WIDTH + R2TS]!++;
    this.#figures[this.cellOf(task) + Figure.r2ts]!++;
  }

  /** The last Data-Out of a burst. */
  dataEnded(task: number, isSolicited: boolean, now: number): void {
    this.#settle(task, now);
    const { fields } = this.#table;
    const at = task * WIDTH;
    if (!isSolicited) fields[at + UNSOLICITED] = 0;
    else if (fields[at + R2TS]! > 0) fields[at + R2TS]!--;
  }

  /** The gateway has had the task's PDU until now: that was neither the target's time nor the initiator's. */
  handedOn(task: number, now: number): void {
    this.#table.fields[task * WIDTH + MARK] = now;
  }

  /** The command has its status. */
  end(task: number, now: number): void {
    this.#settle(task, now);
    const { fields } = this.#table;
    const figures = this.#figures;
    const at = task * WIDTH;
    const cell = fields[at + CELL]!;
    const duration = now - fields[at + START]!;
    const targetTime = fields[at + TARGET_TIME]!;
    figures[cell + Figure.duration]! += duration;
    figures[cell + Figure.durationBuckets + bucketOf(DURATION_BOUNDS_MS, duration)]!++;
    figures[cell + Figure.targetDuration]! += targetTime;
    figures[cell + Figure.targetDurationBuckets + bucketOf(DURATION_BOUNDS_MS, targetTime)]!++;
    figures[cell + Figure.inFlight]!--;
    this.#table.remove(task);
  }

  /** The command ends without a status. */
  abort(task: number): void {
    const cell = this.cellOf(task);
    this.#figures[cell + Figure.inFlight]!--;
    this.#figures[cell + Figure.aborted]!++;
    this.#table.remove(task);
  }

  /**
   * So do all that came before.
   *
   * @param ordinal as it was then
   * @param lun undefined: of all logical units
   */
  abortAll(ordinal: number, lun?: number): void {
    for (let task = 0; task < this.#table.capacity; task++) {
      if (this.isLive(task) && (lun === undefined || this.#table.fields[task * WIDTH + LUN] === lun)) {
        this.abortIfBefore(task, ordinal);
      }
    }
  }

  /** So does this one, if it came before. */
  abortIfBefore(task: number, ordinal: number): void {
    if (this.#table.fields[task * WIDTH + ORDINAL]! <= ordinal) this.abort(task);
  }

  /** Puts the time since the last turn down to whose turn it was. */
  #settle(task: number, now: number): void {
    const { fields } = this.#table;
    const at = task * WIDTH;
    const elapsed = now - fields[at + MARK]!;
    fields[at + MARK] = now;
    const isR2TOpen = fields[at + R2TS]! > 0;
    if (!isR2TOpen && fields[at + UNSOLICITED] === 0) {
      fields[at + TARGET_TIME]! += elapsed;
      return;
    }
    const cell = fields[at + CELL]!;
    this.#figures[cell + Figure.initiatorWait]! += elapsed;
    if (isR2TOpen) this.#figures[cell + Figure.r2tWait]! += elapsed;
  }
}
