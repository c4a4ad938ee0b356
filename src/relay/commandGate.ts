import { BHS_LENGTH, Flag, flagsAt, Offset, u32At } from '../iscsi/bhs.ts';
import { decodeBhs } from '../iscsi/layouts.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import { TaskFunction, TaskResponse } from '../iscsi/taskManagement.ts';
import type { Access } from './access.ts';
import { refusedCommand, refusedTaskManagement } from './answers.ts';
import type { ResponseFilter } from './responseFilter.ts';
import type { Answer, Substitutions } from './substitution.ts';
import { ends, type Task } from './task.ts';

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
  readonly #onDenied: (what: string) => void;
  /** By the task tag of the Task Management Request. */
  readonly #aborting = new Map<number, Abort>();

  constructor(
    access: Access,
    substitutions: Substitutions,
    filter: ResponseFilter,
    onDenied: (what: string) => void,
  ) {
    this.#access = access;
    this.#substitutions = substitutions;
    this.#filter = filter;
    this.#onDenied = onDenied;
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
    const { policy } = this.#access;
    const denial = policy.judgeCommand(bytes, at + Offset.lun, at + CDB);
    if (denial === undefined) {
      this.#filter.command(bytes, at, policy);
      return undefined;
    }
    const request = Buffer.from(bytes.subarray(at, at + BHS_LENGTH));
    const { final, lun, cdb } = decodeBhs('scsiCommand', request);
    const code = cdb[0]!.toString(16).padStart(2, '0').toUpperCase();
    this.#onDenied(`SCSI command ${code}h on LUN ${lun.toString('hex')}: ${denial}`);
    return { request, answer: refusedCommand(request, denial), awaitsData: !final };
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
    const passed = this.#filter.tasks.filter((task) => ends(fields, task));
    const isOfOneTask = fields.function === TaskFunction.abortTask;
    const denial = this.#access.policy.judgeTaskManagement(fields.function, bytes, at + Offset.lun);
    // REPORT LUNS may be asked at LUN 0 even if that is hidden, and so it may be aborted there.
    if (denial === undefined || (denial === 'hidden-lun' && isOfOneTask && passed.length > 0)) {
      if (refused.length + passed.length > 0) {
        this.#watch(fields.initiatorTaskTag, { isOfOneTask, refused, passed });
      }
      return undefined;
    }
    // At a LUN that is not there, only what was refused there can be under way.
    const hasAborted = denial === 'hidden-lun' && isOfOneTask && endAll(refused);
    this.#onDenied(`task management ${fields.function} on LUN ${fields.lun.toString('hex')}: ${denial}`);
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

  #watch(initiatorTaskTag: number, abort: Abort): void {
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
