import { BHS_LENGTH, Flag, flagsAt, Offset, u32At } from '../iscsi/bhs.ts';
import { decodeBhs, type PduFields } from '../iscsi/layouts.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import { TaskFunction, TaskResponse } from '../iscsi/taskManagement.ts';
import type { CommandPolicy, Denial } from '../policy/commandPolicy.ts';
import type { Access } from './access.ts';
import { refusedCommand, refusedTaskManagement } from './answers.ts';
import type { ResponseFilter } from './responseFilter.ts';
import type { Answer, Substitutions } from './substitution.ts';
import { ends, lunAsKnown, type Task } from './task.ts';

/** Where the CDB stands in a SCSI Command's BHS. */
const CDB = 32;
/** Where the response code stands in a Task Management Response's BHS. */
const RESPONSE = 2;
/** More than any initiator has under way at once; each names the tasks that it ends. */
const MAX_ABORTING = 64;

/** A request that policy refuses: what goes to the initiator in the target's place, and whether its data has to be awaited. */
export interface Refusal {
  /** The request's BHS. */
  readonly request: Buffer;
  readonly answer: Answer;
  readonly awaitsData: boolean;
}

/** What a Task Management Request under way will have ended. */
interface Abort {
  readonly isOfOneTask: boolean;
  /** Refused here; the target never saw them. */
  readonly refused: readonly Task[];
  /** Under way at the target. */
  readonly passed: readonly Task[];
}

/**
 * Judges commands and task management by policy, and keeps in order what becomes of refused tasks: their unsolicited data, and the
 * task management that reaches them.
 */
export class CommandGate {
  readonly #access: Access;
  readonly #substitutions: Substitutions;
  readonly #filter: ResponseFilter;
  /** By the task tag of the Task Management Request. */
  readonly #aborting = new Map<number, Abort>();

  constructor(access: Access, substitutions: Substitutions, filter: ResponseFilter) {
    this.#access = access;
    this.#substitutions = substitutions;
    this.#filter = filter;
  }

  /**
   * Judges a SCSI Command.
   *
   * @returns undefined if it goes on
   * @throws ProtocolError `bad_sequence` for a task tag that is in use, `too_many_pieces`
   */
  command(bytes: Buffer, at: number): Refusal | undefined {
    const initiatorTaskTag = u32At(bytes, at + Offset.initiatorTaskTag);
    this.#filter.release(initiatorTaskTag);
    this.#substitutions.release(initiatorTaskTag);
    const { policy, isShadow } = this.#access;
    const denial = policy.judgeCommand(bytes, at + Offset.lun, at + CDB);
    if (denial === undefined || !this.#denyCommand(denial, bytes, at)) {
      if (denial === undefined) this.#noteNotable(policy, bytes, at);
      this.#filter.command(bytes, at, isShadow ? undefined : policy);
      return undefined;
    }
    const request = Buffer.from(bytes.subarray(at, at + BHS_LENGTH));
    const awaitsData = (flagsAt(bytes, at) & Flag.final) === 0;
    return { request, answer: refusedCommand(request, denial), awaitsData };
  }

  /**
   * Judges a Task Management Request.
   *
   * @returns undefined if it goes on
   * @throws ProtocolError `too_many_pieces`
   */
  taskManagement(bytes: Buffer, at: number): Refusal | undefined {
    const request = Buffer.from(bytes.subarray(at, at + BHS_LENGTH));
    const fields = decodeBhs('taskManagementRequest', request);
    const refused = this.#substitutions.tasks.filter((task) => ends(fields, task));
    const passed = this.#filter.endedBy(fields);
    const isOfOneTask = fields.function === TaskFunction.abortTask;
    const denial = this.#access.policy.judgeTaskManagement(fields.function, bytes, at + Offset.lun);
    // What went on to the target may be aborted, also where no LUN is: REPORT LUNS at LUN 0, and what came before it was hidden.
    const isOfPassed = denial === 'hidden-lun' && isOfOneTask && passed.length > 0;
    if (denial === undefined || isOfPassed || !this.#denyTaskManagement(denial, fields)) {
      this.#watch(fields.initiatorTaskTag, { isOfOneTask, refused, passed });
      return undefined;
    }
    const hasAborted = denial === 'hidden-lun' && isOfOneTask && endAll(refused);
    return { request, answer: refusedTaskManagement(request, denial, hasAborted), awaitsData: false };
  }

  /**
   * Sees every Data-Out.
   *
   * @returns undefined if it goes on; else it belongs to a refused command, whose answer may have waited for it
   */
  dataOut(bytes: Buffer, at: number): { readonly answer: Answer | undefined } | undefined {
    const initiatorTaskTag = u32At(bytes, at + Offset.initiatorTaskTag);
    if (!this.#substitutions.awaitsData(initiatorTaskTag)) return undefined;
    const isLast = (flagsAt(bytes, at) & Flag.final) !== 0;
    return { answer: isLast ? this.#substitutions.dataEnded(initiatorTaskTag) : undefined };
  }

  /**
   * Sees every Task Management Response; what the target says that it has ended gets no late answer. An ABORT TASK that the target
   * has nothing for, because the task was refused here, has done its work all the same.
   *
   * @returns true if the header changed
   */
  taskManagementAnswered(bytes: Buffer, at: number): boolean {
    if (this.#aborting.size === 0) return false;
    const initiatorTaskTag = u32At(bytes, at + Offset.initiatorTaskTag);
    const abort = this.#aborting.get(initiatorTaskTag);
    if (abort === undefined) return false;
    this.#aborting.delete(initiatorTaskTag);
    const response = bytes[at + RESPONSE];
    if (response === TaskResponse.complete) {
      endAll(abort.refused);
      endAll(abort.passed);
    } else if (response === TaskResponse.noSuchTask && abort.isOfOneTask && endAll(abort.refused)) {
      bytes[at + RESPONSE] = TaskResponse.complete;
      return true;
    }
    return false;
  }

  #noteNotable(policy: CommandPolicy, bytes: Buffer, at: number): void {
    const effect = policy.notableEffect(bytes, at + CDB);
    if (effect === undefined) return;
    const lun = lunAsKnown(bytes, at + Offset.lun);
    this.#access.noteNotable({ effect, operationCode: bytes[at + CDB]!, lun });
  }

  /** @returns true if it is refused */
  #denyCommand(kind: Denial, bytes: Buffer, at: number): boolean {
    const operationCode = bytes[at + CDB]!;
    const code = operationCode.toString(16).padStart(2, '0').toUpperCase();
    const lunAt = at + Offset.lun;
    const what = `SCSI command ${code}h on LUN ${bytes.toString('hex', lunAt, lunAt + 8)}: ${kind}`;
    return this.#access.deny({ kind, what, operationCode, lun: lunAsKnown(bytes, lunAt) });
  }

  /** @returns true if it is refused */
  #denyTaskManagement(kind: Denial, request: PduFields<'taskManagementRequest'>): boolean {
    const { function: taskFunction, lun } = request;
    const what = `task management ${taskFunction} on LUN ${lun.toString('hex')}: ${kind}`;
    return this.#access.deny({ kind, what, taskFunction, lun: lunAsKnown(lun, 0) });
  }

  #watch(initiatorTaskTag: number, abort: Abort): void {
    if (abort.refused.length + abort.passed.length === 0) return;
    if (this.#aborting.size >= MAX_ABORTING && !this.#aborting.has(initiatorTaskTag)) {
      throw new ProtocolError(
        'too_many_pieces',
        `more than ${MAX_ABORTING} task management requests without an answer`,
      );
    }
    this.#aborting.set(initiatorTaskTag, abort);
  }
}

/** @returns true if one of them was still to be answered */
function endAll(tasks: readonly Task[]): boolean {
  let hasEnded = false;
  for (const task of tasks) {
    hasEnded ||= !task.isOver;
    task.isOver = true;
  }
  return hasEnded;
}
