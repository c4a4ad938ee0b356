import { Ledger } from '../../src/accounting/ledger.ts';
import type { IoClass } from '../../src/accounting/ioClass.ts';
import type { Recorder } from '../../src/accounting/recorder.ts';
import type { AccountSnapshot, ClassSnapshot, NexusSnapshot } from '../../src/accounting/snapshot.ts';
import { BHS_LENGTH, Offset, u32At } from '../../src/iscsi/bhs.ts';
import { encodeBhs, type PduFields } from '../../src/iscsi/layouts.ts';
import { encodeLun } from '../../src/iscsi/lun.ts';
import { encodePdu } from '../../src/iscsi/pdu.ts';
import { TagTable } from '../../src/iscsi/tagTable.ts';
import { DISK } from './initiatorRule.ts';

const LAST = 0xffffffff;

/** A 10-byte CDB. */
export function cdb10(operationCode: number, lba = 0, blocks = 8): Buffer {
  const cdb = Buffer.alloc(16);
  cdb[0] = operationCode;
  cdb.writeUInt32BE(lba, 2);
  cdb.writeUInt16BE(blocks, 7);
  return cdb;
}

export interface CommandOptions {
  readonly tag?: number;
  readonly lun?: number | Buffer;
  readonly cdb?: Buffer;
  readonly length?: number;
  /** Unsolicited data is to come. */
  readonly awaitsData?: boolean;
  readonly flags?: { readonly read?: boolean; readonly write?: boolean };
}

/** A session whose PDUs are told to a ledger one by one, each in a chunk of its own, by a clock that the test moves. */
export class Recorded {
  now = 1000;
  readonly ledger: Ledger;
  recorder: Recorder;
  /** Numbers the tasks, as the relay does. */
  readonly #tasks = new TagTable(0, 0, 2, 8192);

  constructor(options: { readonly maxAccounts?: number } = {}) {
    this.ledger = new Ledger({ now: () => this.now, ...options });
    this.recorder = this.open();
  }

  open(initiator = 'db1', target = DISK): Recorder {
    this.recorder = this.ledger.open({ initiator, target });
    return this.recorder;
  }

  pass(ms: number): this {
    this.now += ms;
    return this;
  }

  command(options: CommandOptions = {}): this {
    const { tag = 1, lun = 0, cdb = cdb10(0x28), length = 4096, awaitsData = false } = options;
    const isRead = cdb[0] === 0x28;
    const fields = {
      final: !awaitsData,
      read: isRead,
      write: !isRead,
      ...options.flags,
      initiatorTaskTag: tag,
      lun: typeof lun === 'number' ? encodeLun(lun) : lun,
      expectedDataTransferLength: length,
      cdb,
    };
    return this.#inChunk((recorder) =>
      recorder.command(encodeBhs('scsiCommand', fields), 0, this.#tasks.put(tag)),
    );
  }

  dataOut(options: { tag?: number; final?: boolean; targetTransferTag?: number } = {}): this {
    const { tag = 1, final = true, targetTransferTag = 7 } = options;
    const bhs = encodeBhs('dataOut', { initiatorTaskTag: tag, final, targetTransferTag });
    if (!final) return this.#inChunk(() => {});
    return this.#inChunk((recorder) => recorder.dataEnded(bhs, 0, this.taskOf(tag)));
  }

  /** The last of the unsolicited data. */
  unsolicited(tag = 1): this {
    return this.dataOut({ tag, targetTransferTag: LAST });
  }

  r2t(tag = 1): this {
    return this.#inChunk((recorder) => recorder.r2t(this.taskOf(tag)));
  }

  response(fields: Partial<PduFields<'scsiResponse'>> = {}, sense?: Buffer): this {
    const pdu = encodePdu('scsiResponse', { initiatorTaskTag: 1, ...fields }, sense);
    return this.#inChunk((recorder) => {
      const data = recorder.wantsData(pdu, 0) ? sense : undefined;
      recorder.status(pdu, 0, this.#take(fields.initiatorTaskTag), data);
    });
  }

  dataIn(fields: Partial<PduFields<'dataIn'>> = {}): this {
    const bhs = encodeBhs('dataIn', { initiatorTaskTag: 1, hasStatus: true, ...fields });
    return this.#inChunk((recorder) => recorder.status(bhs, 0, this.#take(fields.initiatorTaskTag)));
  }

  taskManagement(fields: Partial<PduFields<'taskManagementRequest'>>): this {
    const bhs = encodeBhs('taskManagementRequest', { initiatorTaskTag: 900, ...fields });
    return this.#inChunk((recorder) =>
      recorder.taskManagement(bhs, 0, this.taskOf(fields.referencedTaskTag)),
    );
  }

  taskManagementAnswered(response = 0, tag = 900): this {
    const bhs = encodeBhs('taskManagementResponse', { initiatorTaskTag: tag, response });
    return this.#inChunk((recorder) => recorder.taskManagementAnswered(bhs, 0));
  }

  nopOut(fields: Partial<PduFields<'nopOut'>>): this {
    const tags = { initiatorTaskTag: LAST, targetTransferTag: LAST };
    return this.#inChunk((recorder) => recorder.nopOut(encodeBhs('nopOut', { ...tags, ...fields }), 0));
  }

  nopIn(fields: Partial<PduFields<'nopIn'>>): this {
    const tags = { initiatorTaskTag: LAST, targetTransferTag: LAST };
    return this.#inChunk((recorder) => recorder.nopIn(encodeBhs('nopIn', { ...tags, ...fields }), 0));
  }

  rejected(header: Buffer, reason = 9): this {
    const tag = header.length < BHS_LENGTH ? undefined : u32At(header, Offset.initiatorTaskTag);
    return this.#inChunk((recorder) =>
      recorder.rejected(encodeBhs('reject', { reason }), 0, header, this.taskOf(tag)),
    );
  }

  account(lun = '0'): AccountSnapshot {
    const found = this.ledger.snapshot().accounts.find((account) => account.lun === lun);
    if (found === undefined) throw new Error(`LUN ${lun} has no account`);
    return found;
  }

  io(ioClass: IoClass, lun = '0'): ClassSnapshot {
    return this.account(lun).classes[ioClass];
  }

  get nexus(): NexusSnapshot {
    return this.ledger.snapshot().nexuses[0]!;
  }

  /** A number for a command with this tag: as before, if its target forgot one. */
  newTask(tag: number): number {
    return this.#tasks.put(tag);
  }

  /** The number of the task with this tag, or -1. */
  taskOf(tag = 0): number {
    return this.#tasks.find(tag);
  }

  /** The task is over. */
  #take(tag = 1): number {
    const task = this.#tasks.find(tag);
    if (task !== -1) this.#tasks.remove(task);
    return task;
  }

  #inChunk(tell: (recorder: Recorder) => void): this {
    this.recorder.beginChunk();
    tell(this.recorder);
    this.recorder.endChunk();
    return this;
  }
}
