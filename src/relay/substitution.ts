import { BHS_LENGTH, Flag, Offset, opcodeAt, RESERVED_TAG, setU32At, u32At } from '../iscsi/bhs.ts';
import { Opcode } from '../iscsi/opcode.ts';
import type { Digests } from '../iscsi/pdu.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import type { TaskScope } from './task.ts';
import { NO_TASK, TaskTable } from './taskTable.ts';

/** More than any target's command window: each holds memory until the target's NOP-In comes. */
const MAX_PENDING = 4096;
/** Places to begin with: most sessions need none. */
const PENDING = 2;

/** Which commands the target takes. */
export interface CommandWindow {
  readonly expCmdSN: number;
  readonly maxCmdSN: number;
}

/** Numbers of the initiator leg at the moment an answer goes out. */
export interface AnswerNumbers extends CommandWindow {
  readonly statSN: number;
}

/** Writes the answer that the initiator gets in the target's place. */
export type Answer = (numbers: AnswerNumbers, digests: Digests) => Buffer;

interface Substitute {
  /** The initiator's own header. */
  readonly request: Buffer;
  readonly answer: Answer;
  /** Unsolicited data is still on its way: the answer waits for its end (RFC 7143 §11.4.2). */
  awaitsData: boolean;
  awaitsNopIn: boolean;
}

/**
 * Requests that the gateway answers itself, without a gap in anybody's numbering: in the place of each a NOP-Out with the same
 * task tag and CmdSN goes to the target, and when the NOP-In comes back the answer goes out. CmdSN, MaxCmdSN and the order of
 * tasks stay the target's own (RFC 7143 §4.2.2.1, §11.18).
 */
export class Substitutions {
  readonly #tasks = new TaskTable(PENDING, MAX_PENDING);
  /** By task. */
  readonly #pending = new Map<number, Substitute>();
  /** How many NOP-Ins are still to come for aborted requests whose tag has been used again. */
  readonly #owed = new Map<number, number>();

  /**
   * Takes a request out of the stream.
   *
   * @param request its BHS, with the target leg's ExpStatSN
   * @param awaitsData Data-Out belongs to it and is still to come
   * @returns the BHS of the NOP-Out that goes in its place
   * @throws ProtocolError `bad_sequence` for a task tag that is reserved or in use, `too_many_pieces`
   */
  replace(request: Buffer, answer: Answer, awaitsData = false): Buffer {
    const initiatorTaskTag = u32At(request, Offset.initiatorTaskTag);
    this.release(initiatorTaskTag);
    if (initiatorTaskTag === RESERVED_TAG) {
      throw new ProtocolError('bad_sequence', 'a request that wants an answer with the reserved task tag');
    }
    const task = this.#tasks.begin(initiatorTaskTag, request, Offset.lun);
    if (task === NO_TASK) {
      throw new ProtocolError(
        'too_many_pieces',
        `more than ${MAX_PENDING} requests that wait for their answer`,
      );
    }
    this.#pending.set(task, { request: Buffer.from(request), answer, awaitsData, awaitsNopIn: true });
    return nopOutFor(request);
  }

  /** A NOP-In with this tag is not the target's answer to a ping of the initiator. */
  awaitsNopIn(initiatorTaskTag: number): boolean {
    if (this.#owed.size > 0 && this.#owed.has(initiatorTaskTag)) return true;
    return this.#pending.size > 0 && this.#find(initiatorTaskTag)?.awaitsNopIn === true;
  }

  /** Data-Out with this tag belongs to a request that the target never saw. */
  awaitsData(initiatorTaskTag: number): boolean {
    return this.#pending.size > 0 && this.#find(initiatorTaskTag)?.awaitsData === true;
  }

  /** The NOP-In is there. @returns the answer, if it may go out now */
  nopIn(initiatorTaskTag: number): Answer | undefined {
    const owed = this.#owed.get(initiatorTaskTag);
    if (owed !== undefined) {
      if (owed === 1) this.#owed.delete(initiatorTaskTag);
      else this.#owed.set(initiatorTaskTag, owed - 1);
      return undefined;
    }
    const task = this.#tasks.find(initiatorTaskTag);
    this.#pending.get(task)!.awaitsNopIn = false;
    return this.#ready(task);
  }

  /** The last unsolicited data is there. @returns the answer, if it may go out now */
  dataEnded(initiatorTaskTag: number): Answer | undefined {
    const task = this.#tasks.find(initiatorTaskTag);
    this.#pending.get(task)!.awaitsData = false;
    return this.#ready(task);
  }

  /** Of the last request. */
  get ordinal(): number {
    return this.#tasks.ordinal;
  }

  /**
   * As TaskTable.endScope, for those that wait for their answer: they get none.
   *
   * @returns true if there was one
   */
  end(scope: TaskScope, last: number): boolean {
    return this.#tasks.endScope(scope, last).length > 0;
  }

  /** How many requests with this opcode wait for their answer. */
  count(opcode: number): number {
    let count = 0;
    for (const { request } of this.#pending.values()) if (opcodeAt(request, 0) === opcode) count++;
    return count;
  }

  /**
   * A new task is to have this tag. One that was aborted is forgotten: its data that never ended, and the NOP-In that the target may
   * send later than the end of the abort.
   *
   * @throws ProtocolError `bad_sequence` if the tag is in use, `too_many_pieces`
   */
  release(initiatorTaskTag: number): void {
    if (this.#pending.size === 0) return;
    const task = this.#tasks.find(initiatorTaskTag);
    if (task === NO_TASK) return;
    if (!this.#tasks.isOver(task)) {
      throw new ProtocolError('bad_sequence', 'a request whose task tag is in use');
    }
    const { awaitsNopIn } = this.#pending.get(task)!;
    this.#remove(task);
    if (!awaitsNopIn) return;
    if (this.#owed.size >= MAX_PENDING) {
      throw new ProtocolError(
        'too_many_pieces',
        `more than ${MAX_PENDING} aborted requests without an answer`,
      );
    }
    this.#owed.set(initiatorTaskTag, (this.#owed.get(initiatorTaskTag) ?? 0) + 1);
  }

  /**
   * The target has rejected what was sent in the request's place: there will be no answer, but what data is still on its way is
   * not for the target.
   *
   * @returns the initiator's own header
   */
  rejected(initiatorTaskTag: number): Buffer | undefined {
    const task = this.#tasks.find(initiatorTaskTag);
    if (task === NO_TASK) return undefined;
    const substitute = this.#pending.get(task)!;
    this.#tasks.end(task);
    substitute.awaitsNopIn = false;
    this.#ready(task);
    return substitute.request;
  }

  #find(initiatorTaskTag: number): Substitute | undefined {
    return this.#pending.get(this.#tasks.find(initiatorTaskTag));
  }

  #ready(task: number): Answer | undefined {
    const { awaitsData, awaitsNopIn, answer } = this.#pending.get(task)!;
    if (awaitsData || awaitsNopIn) return undefined;
    const isOver = this.#tasks.isOver(task);
    this.#remove(task);
    return isOver ? undefined : answer;
  }

  #remove(task: number): void {
    this.#pending.delete(task);
    this.#tasks.remove(task);
  }
}

/** A NOP-Out with the request's task tag, numbers and immediate delivery (RFC 7143 §11.18). */
function nopOutFor(request: Buffer): Buffer {
  const bhs = Buffer.alloc(BHS_LENGTH);
  bhs[Offset.opcode] = Opcode.nopOut | (request[Offset.opcode]! & Flag.immediate);
  bhs[Offset.flags] = Flag.final;
  setU32At(bhs, Offset.targetTransferTag, RESERVED_TAG);
  for (const field of [Offset.initiatorTaskTag, Offset.cmdSN, Offset.expStatSN]) {
    setU32At(bhs, field, u32At(request, field));
  }
  return bhs;
}
