import { Offset, u32At } from '../iscsi/bhs.ts';
import type { PduFields } from '../iscsi/layouts.ts';
import { canonicalLun } from '../iscsi/lun.ts';
import { TaskFunction } from '../iscsi/taskManagement.ts';

/** A task as task management names it. */
export interface Task {
  readonly initiatorTaskTag: number;
  readonly lun: number | string;
  /** It was answered or aborted: nothing more comes of it, and its tag may be used again. */
  isOver: boolean;
}

/** The task that the request with its BHS at `bytes[at]` begins. */
export function taskOf(bytes: Buffer, at: number): Task {
  return {
    initiatorTaskTag: u32At(bytes, at + Offset.initiatorTaskTag),
    lun: lunAsKnown(bytes, at + Offset.lun),
    isOver: false,
  };
}

/** True if a Task Management Request ends the task, once the target says that it is done (RFC 7143 §11.5.1). */
export function ends(request: PduFields<'taskManagementRequest'>, task: Task): boolean {
  switch (request.function) {
    case TaskFunction.abortTask:
      return task.initiatorTaskTag === request.referencedTaskTag && task.lun === lunAsKnown(request.lun, 0);
    case TaskFunction.abortTaskSet:
    case TaskFunction.clearTaskSet:
    case TaskFunction.logicalUnitReset:
      return task.lun === lunAsKnown(request.lun, 0);
    case TaskFunction.targetWarmReset:
    case TaskFunction.targetColdReset:
    case TaskFunction.nexusReset:
      return true;
    default:
      return false;
  }
}

/** The canonical LUN; of a form that has none, its bytes in hex. */
export function lunAsKnown(bytes: Buffer, at: number): number | string {
  return canonicalLun(bytes, at) ?? bytes.toString('hex', at, at + 8);
}
