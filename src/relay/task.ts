import { flagsAt, Offset, u32At } from '../iscsi/bhs.ts';
import { canonicalLunHigh } from '../iscsi/lun.ts';
import { TaskFunction } from '../iscsi/taskManagement.ts';

/** Where REFERENCED TASK TAG stands in a Task Management Request's BHS. */
const REFERENCED_TASK_TAG = 20;

/** A task as task management names it. */
export interface Task {
  readonly initiatorTaskTag: number;
  /** The two halves of its LUN, as canonicalLunHigh has them. */
  lunHigh: number;
  lunLow: number;
  /** Counts the tasks among which it is, in the order in which they came. */
  ordinal: number;
  /** It was answered or aborted: nothing more comes of it, and its tag may be used again. */
  isOver: boolean;
}

/** Which tasks a Task Management Request is about. */
export interface TaskScope {
  readonly taskFunction: number;
  readonly lunHigh: number;
  readonly lunLow: number;
  readonly referencedTaskTag: number;
}

/** The scope of the request with its BHS at `bytes[at]`. */
export function taskScope(bytes: Buffer, at: number): TaskScope {
  return {
    taskFunction: flagsAt(bytes, at) & 0x7f,
    lunHigh: canonicalLunHigh(bytes, at + Offset.lun),
    lunLow: u32At(bytes, at + Offset.lun + 4),
    referencedTaskTag: u32At(bytes, at + REFERENCED_TASK_TAG),
  };
}

/** The task that an ABORT TASK names, if it is under way. */
export function referencedTask(tasks: ReadonlyMap<number, Task>, scope: TaskScope): Task | undefined {
  const task = tasks.get(scope.referencedTaskTag);
  return task === undefined || task.isOver || !isAt(scope, task) ? undefined : task;
}

/**
 * The target says that the request is done: its tasks are over (RFC 7143 §11.5.1). Those that came after it go on (§4.2.3.3).
 *
 * @param last the ordinal of the last task that was there when it came
 * @returns true if there was one
 */
export function endTasks(tasks: ReadonlyMap<number, Task>, scope: TaskScope, last: number): boolean {
  switch (scope.taskFunction) {
    case TaskFunction.abortTask: {
      const task = referencedTask(tasks, scope);
      if (task === undefined || task.ordinal > last) return false;
      task.isOver = true;
      return true;
    }
    case TaskFunction.abortTaskSet:
    case TaskFunction.clearTaskSet:
    case TaskFunction.logicalUnitReset:
      return endAll(tasks, last, scope);
    case TaskFunction.targetWarmReset:
    case TaskFunction.targetColdReset:
    case TaskFunction.nexusReset:
      return endAll(tasks, last);
    default:
      return false;
  }
}

/** @param scope absent: whatever the logical unit */
function endAll(tasks: ReadonlyMap<number, Task>, last: number, scope?: TaskScope): boolean {
  let hasEnded = false;
  for (const task of tasks.values()) {
    if (task.isOver || task.ordinal > last || (scope !== undefined && !isAt(scope, task))) continue;
    task.isOver = true;
    hasEnded = true;
  }
  return hasEnded;
}

function isAt(scope: TaskScope, task: Task): boolean {
  return task.lunHigh === scope.lunHigh && task.lunLow === scope.lunLow;
}
