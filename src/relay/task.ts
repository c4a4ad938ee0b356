import { flagsAt, Offset, u32At } from '../iscsi/bhs.ts';

/** Where REFERENCED TASK TAG stands in a Task Management Request's BHS. */
export const REFERENCED_TASK_TAG = 20;

/** Which tasks a Task Management Request is about. */
export interface TaskScope {
  readonly taskFunction: number;
  /** The two halves of its LUN. */
  readonly lunHigh: number;
  readonly lunLow: number;
  readonly referencedTaskTag: number;
}

/** The scope of the request with its BHS at `bytes[at]`. */
export function taskScope(bytes: Buffer, at: number): TaskScope {
  return {
    taskFunction: flagsAt(bytes, at) & 0x7f,
    lunHigh: u32At(bytes, at + Offset.lun),
    lunLow: u32At(bytes, at + Offset.lun + 4),
    referencedTaskTag: u32At(bytes, at + REFERENCED_TASK_TAG),
  };
}
