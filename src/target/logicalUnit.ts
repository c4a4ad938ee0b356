import { type Cdb, parseCdb } from '../scsi/cdb.ts';
import { PersistentReserveOut } from '../scsi/operationCode.ts';
import { AdditionalSense, fixedSense, SenseKey } from '../scsi/sense.ts';
import type { BackingStore } from './backingStore.ts';
import { readCapacity10, readCapacity16 } from './capacity.ts';
import { ExclusiveGate } from './exclusiveGate.ts';
import { type Identity, inquiry } from './inquiry.ts';
import { Medium, type MediumCdb } from './medium.ts';
import { modeSense } from './modeSense.ts';
import {
  persistentReserveIn,
  persistentReserveOut,
  refusePersistentReserveOut,
} from './persistentReserve.ts';
import { PersistentReservations, type ReservationClass } from './persistentReservation.ts';
import {
  checkCondition,
  GOOD,
  good,
  illegalRequest,
  invalidFieldInCdb,
  RESERVATION_CONFLICT,
  type ScsiResult,
  type ScsiTask,
} from './scsiTask.ts';
import { reportSupportedOperationCodes } from './supportedOperationCodes.ts';
import { UnitAttentions } from './unitAttention.ts';

export interface LogicalUnitOptions {
  readonly lun: number;
  readonly store: BackingStore;
  /** Unit serial number: stays the same for the same disk, differs between disks. */
  readonly serial: string;
  readonly vendor?: string;
  readonly product?: string;
  /** Write-protects the logical unit even if the store could be written. */
  readonly readOnly?: boolean;
  /** Hears of a failure of the store; the initiator only gets sense data. */
  readonly onStoreError?: (error: Error) => void;
}

const EMPTY = Buffer.alloc(0);

/** A direct-access block device on a backing store (SPC-5, SBC-4). Tasks may run side by side. */
export class LogicalUnit {
  readonly lun: number;
  readonly writeProtected: boolean;
  readonly #identity: Identity;
  readonly #store: BackingStore;
  readonly #medium: Medium;
  readonly #onStoreError: (error: Error) => void;
  readonly #gate = new ExclusiveGate();
  readonly #attentions = new UnitAttentions();
  readonly #reservations = new PersistentReservations((port, condition) =>
    this.#attentions.raise(port, condition),
  );

  constructor(options: LogicalUnitOptions) {
    this.lun = options.lun;
    this.#store = options.store;
    this.#medium = new Medium(options.store);
    this.writeProtected = options.readOnly === true || options.store.readOnly;
    this.#identity = {
      vendor: options.vendor ?? 'SANGATE',
      product: options.product ?? 'VIRTUAL DISK',
      serial: options.serial,
    };
    this.#onStoreError = options.onStoreError ?? (() => {});
  }

  /** Number of logical blocks. */
  get blocks(): number {
    return this.#medium.blocks;
  }

  /**
   * What the task fails with whatever its data-out is; `undefined` lets it go on. Ask before data-out is collected:
   * what passes never needs more than MAXIMUM_TRANSFER_BYTES. Reports a pending unit attention, and so clears it.
   */
  refuse(task: Pick<ScsiTask, 'cdb' | 'nexus'>): ScsiResult | undefined {
    return this.#refuse(parseCdb(task.cdb), task.nexus.initiatorPort);
  }

  /** Carries the task out, after the checks of `refuse`. Never rejects. */
  async execute(task: ScsiTask): Promise<ScsiResult> {
    const cdb = parseCdb(task.cdb);
    const refusal = this.#refuse(cdb, task.nexus.initiatorPort);
    if (refusal !== undefined) return refusal;
    try {
      return await this.#run(cdb, task);
    } catch (error) {
      this.#onStoreError(error instanceof Error ? error : new Error(String(error)));
      return storeFailure(cdb, error);
    }
  }

  /** LOGICAL UNIT RESET: tells every nexus. Persistent reservations outlive it (SPC-5 §5.13.1). */
  reset(): void {
    this.#attentions.raiseForAll(AdditionalSense.busDeviceResetFunctionOccurred);
  }

  /** The nexus is gone: its session ended. Its persistent registration stays. */
  nexusLost(initiatorPort: string): void {
    this.#attentions.forget(initiatorPort);
  }

  /** Another nexus has cleared tasks of this one (SAM-5 §7.4; the Control page says TAS=0). */
  tasksCleared(initiatorPort: string): void {
    this.#attentions.raise(initiatorPort, AdditionalSense.commandsClearedByAnotherInitiator);
  }

  /** Resolves when every task that runs now is through with the medium. */
  settled(): Promise<void> {
    return this.#gate.exclusive(async () => {});
  }

  /** Waits for running tasks, then makes everything durable and closes the store. */
  close(): Promise<void> {
    return this.#gate.exclusive(async () => {
      await this.#store.flush();
      await this.#store.close();
    });
  }

  #refuse(cdb: Cdb, initiatorPort: string): ScsiResult | undefined {
    this.#attentions.know(initiatorPort);
    if (cdb.kind === 'unsupported') {
      return cdb.what === 'operationCode'
        ? illegalRequest(AdditionalSense.invalidOperationCode)
        : invalidFieldInCdb(1);
    }
    // These report unit attention in their own way, or not at all (SAM-5 §5.14).
    if (cdb.kind !== 'inquiry' && cdb.kind !== 'reportLuns' && cdb.kind !== 'requestSense') {
      const condition = this.#attentions.take(initiatorPort);
      if (condition !== undefined) return checkCondition(SenseKey.unitAttention, condition);
    }
    if (this.#reservations.conflicts(initiatorPort, reservationClass(cdb))) return RESERVATION_CONFLICT;
    if (this.writeProtected && writesMedium(cdb)) {
      return checkCondition(SenseKey.dataProtect, AdditionalSense.writeProtected);
    }
    if (cdb.kind === 'persistentReserveOut') return refusePersistentReserveOut(cdb);
    return isMediumCdb(cdb) ? this.#medium.refuse(cdb) : undefined;
  }

  #run(cdb: Cdb, task: ScsiTask): Promise<ScsiResult> {
    const dataOut = task.dataOut ?? EMPTY;
    if (isMediumCdb(cdb)) {
      const work = (): Promise<ScsiResult> => this.#medium.execute(cdb, dataOut);
      return cdb.kind === 'compareAndWrite' ? this.#gate.exclusive(work) : this.#gate.shared(work);
    }
    const work = async (): Promise<ScsiResult> => this.#answer(cdb, task.nexus.initiatorPort, dataOut);
    // Once PREEMPT AND ABORT is answered, no task of the preempted nexus changes the medium any more.
    const waits =
      cdb.kind === 'persistentReserveOut' && cdb.serviceAction === PersistentReserveOut.preemptAndAbort;
    return waits ? this.#gate.exclusive(work) : work();
  }

  /** Commands that need nothing of the medium: answered at once. */
  #answer(cdb: Exclude<Cdb, MediumCdb>, initiatorPort: string, dataOut: Buffer): ScsiResult {
    switch (cdb.kind) {
      case 'testUnitReady':
      case 'preventAllowMediumRemoval': // nothing can be removed, so there is nothing to prevent
        return GOOD;
      case 'requestSense':
        return cdb.descriptorFormat
          ? invalidFieldInCdb(1)
          : good(this.#sense(initiatorPort), cdb.allocationLength);
      case 'inquiry':
        return inquiry(cdb, this.#identity);
      case 'readCapacity10':
        return readCapacity10(this.blocks);
      case 'readCapacity16':
        return readCapacity16(this.blocks, cdb.allocationLength);
      case 'modeSense':
        return modeSense(cdb, { blocks: this.blocks, writeProtected: this.writeProtected });
      case 'reportSupportedOperationCodes':
        return reportSupportedOperationCodes(cdb);
      case 'persistentReserveIn':
        return persistentReserveIn(this.#reservations, cdb);
      case 'persistentReserveOut':
        return persistentReserveOut(this.#reservations, initiatorPort, cdb, dataOut);
      case 'reportLuns': // the target answers it for all its logical units (reportLuns.ts)
      case 'unsupported':
        break;
    }
    return illegalRequest(AdditionalSense.invalidOperationCode);
  }

  #sense(initiatorPort: string): Buffer {
    const condition = this.#attentions.take(initiatorPort);
    return condition === undefined
      ? fixedSense(SenseKey.noSense, AdditionalSense.none)
      : fixedSense(SenseKey.unitAttention, condition);
  }
}

/** SPC-5 table 66, SBC-4 table 14; PERSISTENT RESERVE OUT is judged by its keys. */
const RESERVATION_CLASS: Record<Cdb['kind'], ReservationClass> = {
  testUnitReady: 'free',
  requestSense: 'free',
  inquiry: 'free',
  readCapacity10: 'free',
  readCapacity16: 'free',
  reportLuns: 'free',
  reportSupportedOperationCodes: 'free',
  persistentReserveIn: 'free',
  persistentReserveOut: 'free',
  unsupported: 'free',
  read: 'read',
  verify: 'read',
  prefetch: 'read',
  write: 'other',
  writeAndVerify: 'other',
  compareAndWrite: 'other',
  writeSame: 'other',
  unmap: 'other',
  synchronizeCache: 'other',
  modeSense: 'other',
  startStopUnit: 'other',
  preventAllowMediumRemoval: 'other',
};

function reservationClass(cdb: Cdb): ReservationClass {
  if (cdb.kind === 'startStopUnit' && cdb.start) return 'free';
  if (cdb.kind === 'preventAllowMediumRemoval' && !cdb.prevent) return 'free';
  return RESERVATION_CLASS[cdb.kind];
}

function writesMedium({ kind }: Cdb): boolean {
  return (
    kind === 'write' ||
    kind === 'writeAndVerify' ||
    kind === 'compareAndWrite' ||
    kind === 'writeSame' ||
    kind === 'unmap'
  );
}

function isMediumCdb(cdb: Cdb): cdb is MediumCdb {
  return (
    writesMedium(cdb) ||
    cdb.kind === 'read' ||
    cdb.kind === 'verify' ||
    cdb.kind === 'prefetch' ||
    cdb.kind === 'synchronizeCache' ||
    cdb.kind === 'startStopUnit'
  );
}

/** A full disk is told apart, so that the initiator's file system can report it (SBC-4 §4.7.3.6). */
function storeFailure(cdb: Cdb, error: unknown): ScsiResult {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return checkCondition(SenseKey.dataProtect, AdditionalSense.spaceAllocationFailedWriteProtect);
  }
  const reading = cdb.kind === 'read' || cdb.kind === 'verify';
  return checkCondition(
    SenseKey.mediumError,
    reading ? AdditionalSense.unrecoveredReadError : AdditionalSense.writeError,
  );
}
