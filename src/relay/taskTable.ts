import { u32At } from '../iscsi/bhs.ts';
import { isSameLun } from '../iscsi/lun.ts';
import { TagTable } from '../iscsi/tagTable.ts';
import { TaskFunction } from '../iscsi/taskManagement.ts';
import type { TaskScope } from './task.ts';

/** There is no such task, or no place for one. */
export const NO_TASK = -1;
/** The task tag belongs to a task that is under way. */
export const TAG_IN_USE = -2;

/** Fields of a task that are whole numbers: the two halves of its LUN, and 1 if it is over. */
const LUN_HIGH = 0;
const LUN_LOW = 1;
const OVER = 2;
const WHOLE = 3;
/** The other: its ordinal, which in 32 bits would wrap round. */
const REAL = 1;

/**
 * Tasks by their task tag, and what task management ends of them. A task is a small whole number, by which its owner finds what else
 * it has to remember; it is valid until `remove`. All is flat (TagTable), so that nothing is allocated at a command.
 */
export class TaskTable {
  readonly #table: TagTable;
  #ordinal = 0;

  /**
   * @param capacity tasks to begin with, a power of two
   * @param max the most that there can be, a power of two
   */
  constructor(capacity: number, max: number) {
    this.#table = new TagTable(WHOLE, REAL, capacity, max);
  }

  get size(): number {
    return this.#table.size;
  }

  /** Of the last task: they are counted in the order in which they came. */
  get ordinal(): number {
    return this.#ordinal;
  }

  /** @returns the task with this tag, under way or over, or NO_TASK */
  find(initiatorTaskTag: number): number {
    return this.#table.find(initiatorTaskTag);
  }

  /** Which task it is, for whoever asks again later: numbers and tags are used anew. 0: of none. */
  ordinalOf(task: number): number {
    return task === NO_TASK ? 0 : this.#table.real[task * REAL]!;
  }

  /**
   * A task begins. One that is over gives its tag, and its number, to it.
   *
   * @param lunAt where in `bytes` its LUN begins
   * @returns the task, NO_TASK or TAG_IN_USE
   */
  begin(initiatorTaskTag: number, bytes: Uint8Array, lunAt: number): number {
    const table = this.#table;
    const task = table.put(initiatorTaskTag);
    if (task === NO_TASK) return NO_TASK;
    const { whole } = table;
    const at = task * WHOLE;
    if (!table.isNew && whole[at + OVER] === 0) return TAG_IN_USE;
    whole[at + LUN_HIGH] = u32At(bytes, lunAt);
    whole[at + LUN_LOW] = u32At(bytes, lunAt + 4);
    whole[at + OVER] = 0;
    table.real[task * REAL] = ++this.#ordinal;
    return task;
  }

  /** It was answered or aborted: its tag may be used again. */
  isOver(task: number): boolean {
    return this.#table.whole[task * WHOLE + OVER] === 1;
  }

  /** It is over, and stays for what may still come of it. */
  end(task: number): void {
    this.#table.whole[task * WHOLE + OVER] = 1;
  }

  /** Nothing more comes of it. */
  remove(task: number): void {
    this.#table.remove(task);
  }

  /** The task that an ABORT TASK names, if it is under way; else NO_TASK. */
  referenced(scope: TaskScope): number {
    const task = this.#table.find(scope.referencedTaskTag);
    return task === NO_TASK || this.isOver(task) || !this.#isAt(task, scope) ? NO_TASK : task;
  }

  /**
   * The target says that a request is done: its tasks are over (RFC 7143 §11.5.1). Those that came after it go on (§4.2.3.3).
   *
   * @param last the ordinal of the last task that was there when it came
   * @returns the tasks that it has ended
   */
  endScope(scope: TaskScope, last: number): readonly number[] {
    switch (scope.taskFunction) {
      case TaskFunction.abortTask: {
        const task = this.referenced(scope);
        if (task === NO_TASK || this.#isAfter(task, last)) return [];
        this.end(task);
        return [task];
      }
      case TaskFunction.abortTaskSet:
      case TaskFunction.clearTaskSet:
      case TaskFunction.logicalUnitReset:
        return this.#endAll(last, scope);
      case TaskFunction.targetWarmReset:
      case TaskFunction.targetColdReset:
      case TaskFunction.nexusReset:
        return this.#endAll(last);
      default:
        return [];
    }
  }

  /** @param scope absent: whatever the logical unit */
  #endAll(last: number, scope?: TaskScope): readonly number[] {
    const ended: number[] = [];
    const { capacity } = this.#table;
    for (let task = 0; task < capacity; task++) {
      if (!this.#table.isLive(task) || this.isOver(task) || this.#isAfter(task, last)) continue;
      if (scope !== undefined && !this.#isAt(task, scope)) continue;
      this.end(task);
      ended.push(task);
    }
    return ended;
  }

  #isAfter(task: number, ordinal: number): boolean {
    return this.#table.real[task * REAL]! > ordinal;
  }

  #isAt(task: number, { lunHigh, lunLow }: TaskScope): boolean {
    const { whole } = this.#table;
    const at = task * WHOLE;
    return isSameLun(whole[at + LUN_HIGH]!, whole[at + LUN_LOW]!, lunHigh, lunLow);
  }
}
