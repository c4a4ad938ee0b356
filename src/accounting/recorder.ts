import {
  BHS_LENGTH,
  dataSegmentLengthAt,
  Flag,
  flagsAt,
  Offset,
  opcodeAt,
  RESERVED_TAG,
  u32At,
} from '../iscsi/bhs.ts';
import { canonicalLun, type Lun } from '../iscsi/lun.ts';
import { Opcode } from '../iscsi/opcode.ts';
import { SENSE_AT } from '../iscsi/scsiResponse.ts';
import type { Side } from '../iscsi/side.ts';
import { ScsiStatus } from '../scsi/status.ts';
import { OTHER_NAME, type Account } from './account.ts';
import { bucketOf, SIZE_BOUNDS_BYTES } from './buckets.ts';
import { CELL_LENGTH, failureOf, Figure } from './cell.ts';
import { newClock } from './clock.ts';
import { Functions } from './functions.ts';
import { ioClassAt, OTHER } from './ioClass.ts';
import type { DenialKind, Nexus } from './nexus.ts';
import { Pings } from './pings.ts';
import { Processing } from './processing.ts';
import { isSequential } from './streams.ts';
import { Tasks } from './tasks.ts';

/** Where all sessions of one initiator with one target keep their figures. */
export interface Books {
  readonly nexus: Nexus;
  /** All cells of all accounts; see cell.ts. */
  readonly figures: Float64Array;
  /** Makes the account, if there is room for it; else it is an other. */
  accountOf(lun: Lun | undefined): Account;
}

/** Fields of single PDUs. */
const REJECT_REASON = 2;
const STATUS = 3;
const RESIDUAL_COUNT = 44;
/** R or W: without them the expected length means nothing (RFC 7143 §11.3.1). */
const READ_OR_WRITE = 0x60;
const UNDERFLOW = 0x02;
/** The target found a data digest wrong (RFC 7143 §11.17.1). */
const DATA_DIGEST_ERROR = 0x02;
/** More than sense data can be (252 bytes, SPC-4 §4.5.1), with response data behind it. */
const MAX_SENSE_SEGMENT = 1024;

/**
 * What the relay of one session tells of the PDUs that pass, each with its BHS at `bytes[at]`, and those of a command with the number
 * under which the relay has it (negative: it has none). The clock is read when a chunk begins and when it ends, not at each PDU.
 * Nothing allocates at a PDU, except where something went wrong.
 */
export class Recorder {
  readonly #books: Books;
  readonly #figures: Float64Array;
  readonly #now: () => number;
  readonly #tasks: Tasks;
  readonly #functions: Functions;
  readonly #processing: Processing;
  /** By who has to answer. */
  readonly #pings: Readonly<Record<Side, Pings>>;
  readonly #isPaused: Record<Side, boolean> = { initiator: false, target: false };
  readonly #clock = newClock();
  /** The LUN of the last command, as it was written, what tells it from others, and its account: most ask for the same one. */
  #lunHigh = -1;
  #lunLow = -1;
  #lun = 0;
  #account = 0;
  #isClosed = false;

  constructor(books: Books, now: () => number) {
    const { nexus, figures } = books;
    this.#books = books;
    this.#figures = figures;
    this.#now = now;
    this.#tasks = new Tasks(figures, this.#clock);
    this.#functions = new Functions(nexus, this.#tasks);
    this.#processing = new Processing(figures, this.#tasks, this.#clock);
    this.#pings = {
      initiator: new Pings(nexus.side('initiator')),
      target: new Pings(nexus.side('target')),
    };
    nexus.sessions++;
  }

  /** A chunk has come; what is told until `endChunk` was in it. */
  beginChunk(): void {
    this.#clock[0] = this.#now();
  }

  /** All of it has been handed on. */
  endChunk(): void {
    this.#processing.endChunk(this.#now());
  }

  /** A SCSI Command that goes on to the target. */
  command(bytes: Buffer, at: number, task: number): void {
    const ioClass = ioClassAt(bytes, at + Offset.cdb);
    const cell = this.#accountAt(bytes, at + Offset.lun) + ioClass * CELL_LENGTH;
    const flags = flagsAt(bytes, at);
    const expected = (flags & READ_OR_WRITE) === 0 ? 0 : u32At(bytes, at + Offset.expectedDataTransferLength);
    const figures = this.#figures;
    figures[cell + Figure.commands]!++;
    if (ioClass !== OTHER) {
      figures[cell + Figure.size]! += expected;
      figures[cell + Figure.sizeBuckets + bucketOf(SIZE_BOUNDS_BYTES, expected)]!++;
      if (isSequential(figures, cell, bytes, at)) {
        figures[cell + Figure.sequential]!++;
      }
    }
    const awaitsData = (flags & Flag.final) === 0;
    if (this.#tasks.begin(task, cell, this.#lun, expected, awaitsData)) {
      this.#processing.touch(task, cell);
    } else {
      figures[cell + Figure.untimed]!++;
      figures[cell + Figure.bytes]! += expected;
    }
  }

  /** The last Data-Out of a burst that goes on to the target. */
  dataEnded(bytes: Buffer, at: number, task: number): void {
    const cell = this.#tasks.cellOf(task);
    if (cell === -1) return;
    const isSolicited = u32At(bytes, at + Offset.targetTransferTag) !== RESERVED_TAG;
    this.#tasks.dataEnded(task, isSolicited);
    this.#processing.touch(task, cell);
  }

  r2t(task: number): void {
    const cell = this.#tasks.cellOf(task);
    if (cell === -1) return;
    this.#tasks.r2t(task);
    this.#processing.touch(task, cell);
  }

  /** True if `status` is to have the data of this SCSI Response: it alone says what went wrong. */
  wantsData(bytes: Buffer, at: number): boolean {
    if (bytes[at + STATUS] !== ScsiStatus.checkCondition) return false;
    const length = dataSegmentLengthAt(bytes, at);
    return length > SENSE_AT && length <= MAX_SENSE_SEGMENT;
  }

  /**
   * A SCSI Response, or a Data-In that says the status.
   *
   * @param data the data segment, if `wantsData`
   */
  status(bytes: Buffer, at: number, task: number, data?: Buffer): void {
    const cell = this.#tasks.cellOf(task);
    if (cell === -1) return;
    const figures = this.#figures;
    const response = opcodeAt(bytes, at) === Opcode.scsiResponse ? bytes[at + Offset.response]! : 0;
    const status = bytes[at + STATUS]!;
    if (response !== 0 || status !== ScsiStatus.good) {
      const failure = failureOf(response, status, data?.subarray(SENSE_AT));
      if (failure !== -1) figures[cell + Figure.failures + failure]!++;
    }
    if (response === 0) figures[cell + Figure.bytes]! += transferred(this.#tasks.expectedOf(task), bytes, at);
    this.#tasks.end(task);
    this.#processing.touchEnded(cell);
  }

  /** A Task Management Request that goes on to the target. @param referenced the number of the task that it refers to */
  taskManagement(bytes: Buffer, at: number, referenced: number): void {
    const lun = lunKey(canonicalLun(bytes, at + Offset.lun));
    const tag = u32At(bytes, at + Offset.initiatorTaskTag);
    this.#functions.asked(tag, flagsAt(bytes, at) & 0x7f, lun, referenced);
  }

  /** A Task Management Response, as the target sent it. */
  taskManagementAnswered(bytes: Buffer, at: number): void {
    this.#functions.answered(u32At(bytes, at + Offset.initiatorTaskTag), bytes[at + Offset.response]!);
  }

  nopOut(bytes: Buffer, at: number): void {
    const tag = u32At(bytes, at + Offset.initiatorTaskTag);
    if (tag !== RESERVED_TAG) this.#pings.target.sent(tag, this.#clock[0]!);
    else this.#pings.initiator.answered(u32At(bytes, at + Offset.targetTransferTag), this.#clock[0]!);
  }

  nopIn(bytes: Buffer, at: number): void {
    const tag = u32At(bytes, at + Offset.initiatorTaskTag);
    const targetTransferTag = u32At(bytes, at + Offset.targetTransferTag);
    if (tag !== RESERVED_TAG) this.#pings.target.answered(tag, this.#clock[0]!);
    else if (targetTransferTag !== RESERVED_TAG)
      this.#pings.initiator.sent(targetTransferTag, this.#clock[0]!);
  }

  /**
   * A Reject.
   *
   * @param data its data segment: the header of what the target did not take
   * @param task the number that goes with the task tag in there
   */
  rejected(bytes: Buffer, at: number, data: Buffer, task: number): void {
    if (bytes[at + REJECT_REASON] === DATA_DIGEST_ERROR) this.digestError('initiator');
    if (data.length < BHS_LENGTH) return;
    const tag = u32At(data, Offset.initiatorTaskTag);
    switch (opcodeAt(data, 0)) {
      case Opcode.scsiCommand:
        this.#tasks.abort(task);
        break;
      case Opcode.taskManagementRequest:
        this.#functions.rejected(tag);
        break;
      case Opcode.nopOut:
        this.#pings.target.rejected(tag);
        break;
      default: // a Data-Out that is lost is for the target to make good or to answer with a status
    }
  }

  /** A request that got nothing of what it asked for. @param enforced false: it went on all the same */
  denied(kind: DenialKind, enforced: boolean): void {
    this.#books.nexus.denied(kind, enforced);
  }

  /** A PDU of this side had a digest that was wrong. */
  digestError(side: Side): void {
    this.#books.nexus.side(side).digestErrors++;
  }

  /** This side is not read until `resume`: the other one does not take more. */
  pause(side: Side): void {
    if (this.#isPaused[side] || this.#isClosed) return;
    this.#isPaused[side] = true;
    this.#books.nexus.side(side).pause(this.#now());
  }

  resume(side: Side): void {
    if (!this.#isPaused[side]) return;
    this.#isPaused[side] = false;
    this.#books.nexus.side(side).resume(this.#now());
  }

  /** The session is over, and with it whatever was under way. Nothing more may be told. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#tasks.abortAll(this.#tasks.ordinal);
    for (const side of ['initiator', 'target'] as const) this.resume(side);
    this.#books.nexus.sessions--;
  }

  /** Place of the account of the LUN at `bytes[at]`; `#lun` then tells it apart. */
  #accountAt(bytes: Buffer, at: number): number {
    const high = u32At(bytes, at);
    const low = u32At(bytes, at + 4);
    if (high === this.#lunHigh && low === this.#lunLow) return this.#account;
    const lun = canonicalLun(bytes, at);
    const account = this.#books.accountOf(lun);
    this.#lun = lunKey(lun);
    this.#account = account.at;
    this.#lunHigh = account.lun === OTHER_NAME ? -1 : high; // each command there is counted as overflow
    this.#lunLow = low;
    return account.at;
  }
}

/**
 * Bytes that a command moved. What did not come is the residual (RFC 7143 §11.4.5.1); with O it is what would not have had room in what was
 * expected, which moved whole.
 */
function transferred(expected: number, bytes: Buffer, at: number): number {
  if ((flagsAt(bytes, at) & UNDERFLOW) === 0) return expected;
  return Math.max(0, expected - u32At(bytes, at + RESIDUAL_COUNT));
}

/** Tells logical units apart: LUNs end at 3FFFh. */
function lunKey(lun: Lun | undefined): number {
  if (typeof lun === 'number') return lun;
  return lun === undefined ? -2 : -1;
}
