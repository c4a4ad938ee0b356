import { BHS_LENGTH, Flag, flagsAt, Offset, u32At } from '../iscsi/bhs.ts';
import { canonicalLun } from '../iscsi/lun.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import { TaskFunction, TaskResponse } from '../iscsi/taskManagement.ts';
import {
  isFunctionRefusedInShadow,
  isRefusedInShadow,
  notableEffect,
  type Denial,
} from '../policy/commandPolicy.ts';
import { classifyCommand, type CommandClass } from '../scsi/commandClass.ts';
import { commandCodeAt } from '../scsi/commandNames.ts';
import type { Access, Denied } from './access.ts';
import { refusedCommand, refusedTaskManagement } from './answers.ts';
import type { ResponseFilter } from './responseFilter.ts';
import type { Answer, Substitutions } from './substitution.ts';
import { taskScope, type TaskScope } from './task.ts';

/** More than any initiator has under way at once: each may have all tasks looked through when it is answered. */
const MAX_MANAGING = 64;

/** A request that policy refuses: what goes to the initiator in the target's place, and whether its data has to be awaited. */
export interface RefusedRequest {
  /** The request's BHS. */
  readonly request: Buffer;
  readonly answer: Answer;
  readonly awaitsData: boolean;
}

/** A Task Management Request under way at the target, and the last tasks that there were when it came. */
interface Managing {
  readonly scope: TaskScope;
  /** Refused here; the target never saw it. */
  readonly refused: number;
  /** Under way at the target. */
  readonly passed: number;
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
  readonly #managing = new Map<number, Managing>();

  constructor(access: Access, substitutions: Substitutions, filter: ResponseFilter) {
    this.#access = access;
    this.#substitutions = substitutions;
    this.#filter = filter;
  }

  /**
   * Judges a SCSI Command.
   *
   * @returns its number in the response filter if it goes on
   * @throws ProtocolError `bad_sequence` for a task tag that is in use, `too_many_pieces`
   */
  command(bytes: Buffer, at: number): RefusedRequest | number {
    const initiatorTaskTag = u32At(bytes, at + Offset.initiatorTaskTag);
    this.#substitutions.release(initiatorTaskTag);
    const command = classifyCommand(bytes, at + Offset.cdb);
    const denial = this.#access.policy.judgeCommand(command, bytes, at + Offset.lun);
    if (denial === undefined) {
      const task = this.#goesOn(bytes, at);
      this.#noteAllowed(command, bytes, at);
      return task;
    }
    this.#filter.release(initiatorTaskTag);
    if (!this.#denyCommand(denial, command, bytes, at)) return this.#goesOn(bytes, at);
    const request = Buffer.from(bytes.subarray(at, at + BHS_LENGTH));
    const awaitsData = (flagsAt(bytes, at) & Flag.final) === 0;
    return { request, answer: refusedCommand(request, denial), awaitsData };
  }

  /**
   * Judges a Task Management Request.
   *
   * @returns undefined if it goes on
   * @throws ProtocolError `bad_sequence` for a task tag that another one has, `too_many_pieces`
   */
  taskManagement(bytes: Buffer, at: number): RefusedRequest | undefined {
    const scope = taskScope(bytes, at);
    const { taskFunction } = scope;
    const denial = this.#access.policy.judgeTaskManagement(taskFunction, bytes, at + Offset.lun);
    // What went on to the target may be aborted, also where no LUN is: REPORT LUNS at LUN 0, and what came before it was hidden.
    const isOfHidden = denial === 'hidden-lun' && taskFunction === TaskFunction.abortTask;
    const isOfPassed = isOfHidden && this.#filter.hasReferenced(scope);
    if (denial === undefined || isOfPassed || !this.#denyTaskManagement(denial, taskFunction, bytes, at)) {
      if (denial === undefined && this.#access.isUncovered) {
        this.#access.noteUncovered({ taskFunction, lun: lunAsTold(bytes, at + Offset.lun) });
      }
      this.#watch(u32At(bytes, at + Offset.initiatorTaskTag), scope);
      return undefined;
    }
    const hasAborted = isOfHidden && this.#substitutions.end(scope, this.#substitutions.ordinal);
    const request = Buffer.from(bytes.subarray(at, at + BHS_LENGTH));
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
    const initiatorTaskTag = u32At(bytes, at + Offset.initiatorTaskTag);
    const managing = this.#managing.get(initiatorTaskTag);
    if (managing === undefined) return false;
    this.#managing.delete(initiatorTaskTag);
    const { scope, refused, passed } = managing;
    const response = bytes[at + Offset.response];
    if (response === TaskResponse.complete) {
      this.#substitutions.end(scope, refused);
      this.#filter.end(scope, passed);
      return false;
    }
    if (response !== TaskResponse.noSuchTask || scope.taskFunction !== TaskFunction.abortTask) return false;
    if (!this.#substitutions.end(scope, refused)) return false;
    bytes[at + Offset.response] = TaskResponse.complete;
    return true;
  }

  /** The target has rejected a Task Management Request: there will be no response. */
  taskManagementRejected(initiatorTaskTag: number): void {
    this.#managing.delete(initiatorTaskTag);
  }

  /** In shadow its answer shows everything. */
  #goesOn(bytes: Buffer, at: number): number {
    const { policy, isShadow } = this.#access;
    return this.#filter.command(bytes, at, isShadow ? undefined : policy);
  }

  #noteAllowed(command: CommandClass, bytes: Buffer, at: number): void {
    if (this.#access.isUncovered) {
      this.#access.noteUncovered(commandAsTold(bytes, at));
      return;
    }
    const effect = notableEffect(command);
    if (effect === undefined) return;
    const lun = lunAsTold(bytes, at + Offset.lun);
    this.#access.noteNotable({ effect, operationCode: bytes[at + Offset.cdb]!, lun });
  }

  /** @returns true if it is refused */
  #denyCommand(kind: Denial, command: CommandClass, bytes: Buffer, at: number): boolean {
    const denied = { kind, danger: command.danger, ...commandAsTold(bytes, at) };
    return this.#access.deny(denied, isRefusedInShadow(command));
  }

  /** @returns true if it is refused */
  #denyTaskManagement(kind: Denial, taskFunction: number, bytes: Buffer, at: number): boolean {
    const denied = { kind, taskFunction, lun: lunAsTold(bytes, at + Offset.lun) };
    return this.#access.deny(denied, isFunctionRefusedInShadow(taskFunction));
  }

  #watch(initiatorTaskTag: number, scope: TaskScope): void {
    if (this.#managing.has(initiatorTaskTag)) {
      throw new ProtocolError('bad_sequence', 'a task management request whose task tag is in use');
    }
    if (this.#managing.size >= MAX_MANAGING) {
      throw new ProtocolError(
        'too_many_pieces',
        `more than ${MAX_MANAGING} task management requests without an answer`,
      );
    }
    const refused = this.#substitutions.ordinal;
    this.#managing.set(initiatorTaskTag, { scope, refused, passed: this.#filter.ordinal });
  }
}

function commandAsTold(bytes: Buffer, at: number): Pick<Denied, 'command' | 'lun'> {
  return { command: commandCodeAt(bytes, at + Offset.cdb), lun: lunAsTold(bytes, at + Offset.lun) };
}

/** The canonical LUN; of a form that has none, its bytes in hex. */
function lunAsTold(bytes: Buffer, at: number): number | string {
  return canonicalLun(bytes, at) ?? bytes.toString('hex', at, at + 8);
}
