import type { BlockRange, Cdb, WriteSameCdb } from '../scsi/cdb.ts';
import { LOGICAL_BLOCK_LENGTH } from '../scsi/expectedTransfer.ts';
import { AdditionalSense, SenseKey } from '../scsi/sense.ts';
import type { BackingStore } from './backingStore.ts';
import { Limits } from './limits.ts';
import {
  checkCondition,
  GOOD,
  good,
  illegalRequest,
  invalidFieldInCdb,
  type ScsiResult,
} from './scsiTask.ts';
import { parseUnmapParameters } from './unmapParameters.ts';

/** Commands that touch the medium's blocks. */
export type MediumCdb = Extract<
  Cdb,
  {
    kind:
      | 'read'
      | 'write'
      | 'verify'
      | 'writeAndVerify'
      | 'compareAndWrite'
      | 'writeSame'
      | 'unmap'
      | 'prefetch'
      | 'synchronizeCache'
      | 'startStopUnit';
  }
>;

/** How much a WRITE SAME writes to the store in one step, and a VERIFY reads: it is in no session's transfer budget. */
const STEP_BLOCKS = 2048;

/** Carries out block commands on a store. The store's own failures pass through; logicalUnit.ts makes sense of them. */
export class Medium {
  /** Number of logical blocks. */
  readonly blocks: number;
  readonly #store: BackingStore;

  constructor(store: BackingStore) {
    this.#store = store;
    this.blocks = store.size / LOGICAL_BLOCK_LENGTH;
  }

  /** What is wrong with the CDB, as far as it can be told without data-out. */
  refuse(cdb: MediumCdb): ScsiResult | undefined {
    if (cdb.kind === 'startStopUnit') return undefined;
    if (cdb.kind === 'unmap') return cdb.anchor ? invalidFieldInCdb(1) : undefined;
    return wrongFields(cdb) ?? this.#outOfRange(cdb);
  }

  /** Runs a command that `refuse` let pass; `dataOut` is what came of the data that the CDB calls for. */
  async execute(cdb: MediumCdb, dataOut: Buffer): Promise<ScsiResult> {
    switch (cdb.kind) {
      case 'read':
        if (cdb.forceUnitAccess) await this.#store.flush();
        return good(await this.#store.read(offsetOf(cdb), lengthOf(cdb)));
      case 'write':
        return this.#write(cdb, dataOut, cdb.forceUnitAccess);
      case 'verify':
        return this.#verify(cdb, cdb.byteCheck, dataOut);
      case 'writeAndVerify':
        await this.#write(cdb, dataOut, true);
        return this.#verify(cdb, cdb.byteCheck, dataOut);
      case 'compareAndWrite':
        return this.#compareAndWrite(cdb, dataOut, cdb.forceUnitAccess);
      case 'writeSame':
        return this.#writeSame(cdb, dataOut);
      case 'unmap':
        return this.#unmap(dataOut);
      case 'prefetch': // there is no cache of ours to fill; GOOD says that not everything was kept (SBC-4 §5.16)
        break;
      case 'synchronizeCache':
        await this.#store.flush();
        break;
      case 'startStopUnit': // a disk that never spins down, but a stopped one has its data safe (SBC-4 §5.31)
        if (!cdb.start) await this.#store.flush();
        break;
    }
    return GOOD;
  }

  /** An initiator may announce less data than the CDB names: what came is written, the residual tells the rest. */
  async #write(range: BlockRange, dataOut: Buffer, forceUnitAccess: boolean): Promise<ScsiResult> {
    await this.#store.write(offsetOf(range), dataOut.subarray(0, lengthOf(range)));
    if (forceUnitAccess) await this.#store.flush();
    return GOOD;
  }

  async #verify(range: BlockRange, byteCheck: number, dataOut: Buffer): Promise<ScsiResult> {
    const length = lengthOf(range);
    const step = STEP_BLOCKS * LOGICAL_BLOCK_LENGTH;
    for (let done = 0; done < length; done += step) {
      const present = await this.#store.read(offsetOf(range) + done, Math.min(step, length - done));
      if (byteCheck === 0) continue;
      const wanted = dataOut.subarray(done, done + present.length);
      const result = compared(present.subarray(0, wanted.length), wanted, done);
      if (result !== GOOD) return result;
    }
    return GOOD;
  }

  async #compareAndWrite(range: BlockRange, dataOut: Buffer, forceUnitAccess: boolean): Promise<ScsiResult> {
    const length = lengthOf(range);
    if (dataOut.length !== 2 * length)
      return illegalRequest(AdditionalSense.invalidFieldInCommandInformationUnit);
    const result = compared(await this.#store.read(offsetOf(range), length), dataOut.subarray(0, length));
    return result === GOOD ? this.#write(range, dataOut.subarray(length), forceUnitAccess) : result;
  }

  async #writeSame(cdb: WriteSameCdb, dataOut: Buffer): Promise<ScsiResult> {
    const block = cdb.noDataOut ? Buffer.alloc(LOGICAL_BLOCK_LENGTH) : dataOut;
    if (block.length !== LOGICAL_BLOCK_LENGTH) {
      return illegalRequest(AdditionalSense.invalidFieldInCommandInformationUnit);
    }
    const offset = offsetOf(cdb);
    const length = lengthOf(cdb);
    if (block.every((byte) => byte === 0)) {
      await this.#store.discard(offset, length); // reads back the same, UNMAP or not, and costs no space
      return GOOD;
    }
    const pattern = Buffer.alloc(Math.min(cdb.blocks, STEP_BLOCKS) * LOGICAL_BLOCK_LENGTH, block);
    for (let done = 0; done < length; done += pattern.length) {
      await this.#store.write(offset + done, pattern.subarray(0, Math.min(pattern.length, length - done)));
    }
    return GOOD;
  }

  async #unmap(dataOut: Buffer): Promise<ScsiResult> {
    const ranges = parseUnmapParameters(dataOut);
    if ('status' in ranges) return ranges;
    for (const range of ranges) {
      const refusal = this.#outOfRange(range);
      if (refusal !== undefined) return refusal;
    }
    for (const range of ranges) await this.#store.discard(offsetOf(range), lengthOf(range));
    return GOOD;
  }

  #outOfRange({ lba, blocks }: BlockRange): ScsiResult | undefined {
    if (lba + BigInt(blocks) <= BigInt(this.blocks)) return undefined;
    return illegalRequest(AdditionalSense.lbaOutOfRange);
  }
}

function wrongFields(cdb: Exclude<MediumCdb, { kind: 'unmap' | 'startStopUnit' }>): ScsiResult | undefined {
  if ('protect' in cdb && cdb.protect !== 0) return invalidFieldInCdb(1); // no protection information here
  switch (cdb.kind) {
    case 'read':
    case 'write':
      return cdb.blocks > Limits.transferBlocks ? invalidFieldInCdb(1) : undefined;
    case 'verify':
    case 'writeAndVerify':
      return cdb.byteCheck > 1 || cdb.blocks > Limits.transferBlocks ? invalidFieldInCdb(1) : undefined;
    case 'compareAndWrite':
      return cdb.blocks > Limits.compareAndWriteBlocks ? invalidFieldInCdb(13) : undefined;
    case 'writeSame':
      if (cdb.anchor || cdb.addressInData) return invalidFieldInCdb(1);
      return cdb.blocks === 0 || cdb.blocks > Limits.writeSameBlocks ? invalidFieldInCdb(1) : undefined;
    case 'prefetch':
    case 'synchronizeCache':
      break;
  }
  return undefined;
}

/** MISCOMPARE names the first byte that differs (SBC-4 §5.3). @param start where the two begin in what is compared */
function compared(present: Buffer, wanted: Buffer, start = 0): ScsiResult {
  if (present.equals(wanted)) return GOOD;
  const information = start + present.findIndex((byte, i) => byte !== wanted[i]);
  return checkCondition(SenseKey.miscompare, AdditionalSense.miscompareDuringVerify, { information });
}

function offsetOf({ lba }: BlockRange): number {
  return Number(lba) * LOGICAL_BLOCK_LENGTH; // exact: #outOfRange held it against the capacity
}

function lengthOf({ blocks }: BlockRange): number {
  return blocks * LOGICAL_BLOCK_LENGTH;
}
