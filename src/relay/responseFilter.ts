import { Flag, flagsAt, Offset, u32At } from '../iscsi/bhs.ts';
import { decodeBhs } from '../iscsi/layouts.ts';
import type { Pdu } from '../iscsi/pdu.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import type { CommandPolicy } from '../policy/commandPolicy.ts';
import { OperationCode } from '../scsi/operationCode.ts';
import { maskLunList } from './lunList.ts';
import type { TaskScope } from './task.ts';
import { NO_TASK, TAG_IN_USE, TaskTable } from './taskTable.ts';
import { withData } from './withData.ts';

/** Of all lists that are held back together: 16384 logical units, the most that single-level addressing can name, and to spare. */
const MAX_HELD_LENGTH = 256 * 1024;
const MAX_HELD_PDUS = 1024;
/** More than any target's command window, and to spare for commands that a target ignored. */
const MAX_TASKS = 16384;
/** Places to begin with. */
const TASKS = 32;
const WRITE_PROTECTED = 0x80;

/** What is rewritten in an answer. */
type Rewriting =
  | { readonly kind: 'lun-list'; readonly policy: CommandPolicy; readonly held: Pdu[]; length: number }
  /** @property at where the DEVICE-SPECIFIC PARAMETER byte stands */
  | { readonly kind: 'mode-parameters'; readonly at: number };

/**
 * Answers of the target that show what policy hides: the list of logical units loses those that are masked, mode parameters say
 * that the medium is write-protected. No PDU is left out or added.
 *
 * Answers name their task by nothing but its tag. So every command under way is known here, also while nothing is hidden, for that
 * may change: were a tag used twice at once, the end of the one task would let the other's answer through.
 */
export class ResponseFilter {
  readonly #tasks = new TaskTable(TASKS, MAX_TASKS);
  /** By task, and few: most answers go on as they come. A task that is over stays only if it is here, for an answer that comes late. */
  readonly #rewritings = new Map<number, Rewriting>();
  /** Whose answer is being collected: the ordinal of its command. */
  #collected = 0;
  #heldLength = 0;
  #heldPdus = 0;

  /** Of the last command. */
  get ordinal(): number {
    return this.#tasks.ordinal;
  }

  /** True if the command that an ABORT TASK names is under way at the target. */
  hasReferenced(scope: TaskScope): boolean {
    return this.#tasks.referenced(scope) !== NO_TASK;
  }

  /**
   * As TaskTable.endScope, for commands under way at the target.
   *
   * @returns true if there was one
   */
  end(scope: TaskScope, last: number): boolean {
    const ended = this.#tasks.endScope(scope, last);
    for (const task of ended) if (!this.#rewritings.has(task)) this.#tasks.remove(task);
    return ended.length > 0;
  }

  /**
   * A task that does not go on to the target is to have this tag.
   *
   * @throws ProtocolError `bad_sequence` if the tag is in use
   */
  release(initiatorTaskTag: number): void {
    const old = this.#tasks.find(initiatorTaskTag);
    if (old === NO_TASK) return;
    if (!this.#tasks.isOver(old)) throw tagInUse();
    this.#forget(old);
    this.#tasks.remove(old);
  }

  /**
   * Sees every SCSI Command that goes on to the target: its BHS is at `bytes[at]`.
   *
   * @param policy what its answer may show; undefined: everything
   * @returns the command's number, for as long as it is under way
   * @throws ProtocolError `bad_sequence` if its task tag is in use, `too_many_pieces`
   */
  command(bytes: Buffer, at: number, policy: CommandPolicy | undefined): number {
    const task = this.#tasks.begin(u32At(bytes, at + Offset.initiatorTaskTag), bytes, at + Offset.lun);
    if (task === TAG_IN_USE) throw tagInUse();
    if (task === NO_TASK) {
      throw new ProtocolError('too_many_pieces', `more than ${MAX_TASKS} commands without an answer`);
    }
    if (this.#rewritings.size > 0) this.#forget(task);
    const rewriting = policy && rewritingOf(bytes[at + Offset.cdb]!, policy);
    if (rewriting !== undefined) this.#rewritings.set(task, rewriting);
    return task;
  }

  /** @returns the number of the command with this tag; negative if there is none */
  find(initiatorTaskTag: number): number {
    return this.#tasks.find(initiatorTaskTag);
  }

  /** False: whatever is under way, `passes` lets it pass. */
  get isRewriting(): boolean {
    return this.#rewritings.size > 0;
  }

  /**
   * Sees every PDU of an answer, or where nothing is rewritten the last one.
   *
   * @param task the command's number
   * @param hasStatus it is the last one
   * @returns true if it goes on as it is; else it is to be collected
   */
  passes(task: number, hasStatus: boolean): boolean {
    if (this.#rewritings.size > 0 && this.#rewritings.has(task)) {
      this.collects(task);
      return false;
    }
    if (hasStatus && task !== NO_TASK) this.#tasks.remove(task);
    return true;
  }

  /** The header of a PDU that answers a command has come, and the PDU is to be whole before anything is done with it. */
  collects(task: number): void {
    this.#collected = this.#tasks.ordinalOf(task);
  }

  /**
   * The PDU is whole.
   *
   * @returns the number of the command that it answers, for `dataIn` or `ended`; negative if there is none
   * @throws ProtocolError `bad_sequence` if that was over, and its tag has been used again meanwhile: whichever is ended now, the other
   *   one's answer would pass
   */
  collected(initiatorTaskTag: number): number {
    const task = this.#tasks.find(initiatorTaskTag);
    if (this.#tasks.ordinalOf(task) === this.#collected) return task;
    throw new ProtocolError(
      'bad_sequence',
      'the target answers a command that is over, under a tag that is used again',
    );
  }

  /**
   * Takes a Data-In of a task whose answer is rewritten.
   *
   * @returns what goes on now, in order; empty while a list is not whole
   * @throws ProtocolError
   */
  dataIn(task: number, pdu: Pdu): readonly Pdu[] {
    const rewriting = this.#rewritings.get(task)!;
    const hasStatus = (flagsAt(pdu.bhs, 0) & Flag.status) !== 0;
    if (rewriting.kind === 'mode-parameters') {
      if (hasStatus) this.ended(task);
      return [protectedMode(pdu, rewriting.at)];
    }
    const { bufferOffset } = decodeBhs('dataIn', pdu.bhs);
    this.#heldLength += pdu.data.length;
    this.#heldPdus++;
    const isTooMuch = this.#heldLength > MAX_HELD_LENGTH || this.#heldPdus > MAX_HELD_PDUS;
    if (bufferOffset !== rewriting.length || isTooMuch) {
      throw new ProtocolError(
        'bad_sequence',
        'the target sent a list of logical units out of order or without end',
      );
    }
    rewriting.held.push(pdu);
    rewriting.length += pdu.data.length;
    return hasStatus ? this.ended(task) : [];
  }

  /**
   * The task has its status.
   *
   * @param response the SCSI Response that says it, unless a Data-In did
   * @returns what goes on now: what was held back of its answer, rewritten, and the response
   */
  ended(task: number, response: readonly Pdu[] = []): readonly Pdu[] {
    if (task === NO_TASK) return response;
    const rewriting = this.#forget(task);
    this.#tasks.remove(task);
    if (rewriting?.kind !== 'lun-list') return response;
    const list = Buffer.concat(rewriting.held.map(({ data }) => data));
    const length = maskLunList(list, rewriting.policy);
    return withData(list.subarray(0, length), [...rewriting.held, ...response]);
  }

  /** The target has rejected the command: its tag may be used again. Should it answer all the same, nothing hidden shows. */
  rejected(initiatorTaskTag: number): void {
    const task = this.#tasks.find(initiatorTaskTag);
    if (task === NO_TASK) return;
    if (this.#rewritings.has(task)) this.#tasks.end(task);
    else this.#tasks.remove(task);
  }

  /** Whatever was held back for the task is given up. */
  #forget(task: number): Rewriting | undefined {
    const rewriting = this.#rewritings.get(task);
    if (rewriting === undefined) return undefined;
    this.#rewritings.delete(task);
    if (rewriting.kind === 'lun-list') {
      this.#heldLength -= rewriting.length;
      this.#heldPdus -= rewriting.held.length;
    }
    return rewriting;
  }
}

function tagInUse(): ProtocolError {
  return new ProtocolError('bad_sequence', 'a command whose task tag is in use');
}

function rewritingOf(operationCode: number, policy: CommandPolicy): Rewriting | undefined {
  switch (operationCode) {
    case OperationCode.reportLuns:
      return policy.masksLuns ? { kind: 'lun-list', policy, held: [], length: 0 } : undefined;
    case OperationCode.modeSense6:
      return policy.isReadOnly ? { kind: 'mode-parameters', at: 2 } : undefined;
    case OperationCode.modeSense10:
      return policy.isReadOnly ? { kind: 'mode-parameters', at: 3 } : undefined;
    default:
      return undefined;
  }
}

function protectedMode(pdu: Pdu, at: number): Pdu {
  const { bufferOffset } = decodeBhs('dataIn', pdu.bhs);
  const index = at - bufferOffset;
  if (index < 0 || index >= pdu.data.length) return pdu;
  const data = Buffer.from(pdu.data);
  data[index] = data[index]! | WRITE_PROTECTED;
  return { ...pdu, data };
}
