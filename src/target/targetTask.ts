import { RESERVED_TAG } from '../iscsi/bhs.ts';
import { decodeBhs, type PduFields } from '../iscsi/layouts.ts';
import { parseLun, type Lun } from '../iscsi/lun.ts';
import type { Pdu } from '../iscsi/pdu.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import type { NegotiatedParameters } from '../login/negotiation.ts';
import { expectedTransfer } from '../scsi/expectedTransfer.ts';
import { MAXIMUM_TRANSFER_BYTES } from './limits.ts';

const EMPTY = Buffer.alloc(0);

/** The next piece of data-out that the target asks for. */
export interface Solicitation {
  readonly targetTransferTag: number;
  readonly r2tSN: number;
  readonly bufferOffset: number;
  readonly desiredDataTransferLength: number;
}

/**
 * One SCSI command of a session from its arrival until its response, and the data-out that comes with it: immediate, unsolicited,
 * solicited (RFC 7143 §4.2.4.3, §11.3).
 */
export class TargetTask {
  readonly command: PduFields<'scsiCommand'>;
  readonly lun: Lun | undefined;
  /** Bytes of data-out that the CDB needs. */
  readonly needed: number;
  /** Bytes of data-out that the CDB needs and the initiator announced; what goes beyond is dropped. */
  readonly wanted: number;
  /** The most bytes that the task holds in memory; true of one that the logical unit does not refuse. */
  readonly held: number;
  readonly #parameters: NegotiatedParameters;
  /** Room for what is wanted, as far as it may come by now. */
  #data = EMPTY;
  #received = 0;
  #isAborted = false;
  /** What is expected of the burst under way. */
  #burst: { targetTransferTag: number; end: number; dataSN: number } | undefined;
  #r2tSN = 0;

  /** @throws ProtocolError when the command's data breaks what was negotiated */
  constructor(pdu: Pdu, parameters: NegotiatedParameters) {
    const command = decodeBhs('scsiCommand', pdu.bhs);
    const transfer = expectedTransfer(command.cdb);
    this.needed = transfer.direction === 'out' ? transfer.length : 0;
    this.command = command;
    this.lun = readLun(command.lun);
    this.wanted = command.write ? Math.min(this.needed, command.expectedDataTransferLength) : 0;
    this.held = transfer.direction === 'in' ? Math.min(transfer.length, MAXIMUM_TRANSFER_BYTES) : this.wanted;
    this.#parameters = parameters;
    this.#immediate(pdu.data);
  }

  /** The task is to answer nothing any more, and what came for it is dropped. */
  abort(): void {
    this.#isAborted = true;
    this.#data = EMPTY;
  }

  get isAborted(): boolean {
    return this.#isAborted;
  }

  /** Takes a Data-Out. @throws ProtocolError when it is not the next one */
  dataOut(pdu: Pdu): void {
    const { targetTransferTag, dataSN, bufferOffset, final } = decodeBhs('dataOut', pdu.bhs);
    const burst = this.#burst;
    if (burst === undefined || burst.targetTransferTag !== targetTransferTag) {
      throw new ProtocolError('bad_sequence', 'Data-Out that nobody asked for');
    }
    const isNext = dataSN === burst.dataSN && bufferOffset === this.#received;
    if (!isNext || bufferOffset + pdu.data.length > burst.end) {
      throw new ProtocolError('bad_sequence', 'Data-Out out of order or beyond what was asked for');
    }
    burst.dataSN++;
    this.#keep(pdu.data);
    if (final || this.#received === burst.end) this.#burst = undefined;
  }

  /** True while a burst is under way, so nothing can be answered yet. */
  get isReceiving(): boolean {
    return this.#burst !== undefined;
  }

  /** True while data is under way that the command itself announced. */
  get isUnsolicited(): boolean {
    return this.#burst?.targetTransferTag === RESERVED_TAG;
  }

  get isComplete(): boolean {
    return !this.isReceiving && this.#received >= this.wanted;
  }

  /** Asks for the next burst. */
  solicit(targetTransferTag: number): Solicitation {
    const bufferOffset = this.#received;
    const length = Math.min(this.wanted - bufferOffset, this.#parameters.maxBurstLength);
    this.#makeRoom(this.wanted);
    this.#burst = { targetTransferTag, end: bufferOffset + length, dataSN: 0 };
    return { targetTransferTag, r2tSN: this.#r2tSN++, bufferOffset, desiredDataTransferLength: length };
  }

  /** What came, cut to what is wanted. */
  takeData(): Buffer {
    return this.#data.subarray(0, this.#received);
  }

  #immediate(data: Buffer): void {
    const { write, final, expectedDataTransferLength } = this.command;
    const { immediateData, initialR2T, firstBurstLength, maxBurstLength } = this.#parameters;
    const mayComeUnasked = write ? Math.min(expectedDataTransferLength, firstBurstLength, maxBurstLength) : 0;
    if (data.length > (immediateData ? mayComeUnasked : 0)) {
      throw new ProtocolError('bad_sequence', 'more immediate data than was negotiated');
    }
    const moreFollows = write && !final;
    if (moreFollows && initialR2T) {
      throw new ProtocolError('bad_flags', 'unsolicited data announced where InitialR2T=Yes');
    }
    this.#makeRoom(Math.min(moreFollows ? mayComeUnasked : data.length, this.wanted));
    this.#keep(data);
    if (!moreFollows) return;
    this.#burst = { targetTransferTag: RESERVED_TAG, end: mayComeUnasked, dataSN: 0 };
  }

  #makeRoom(length: number): void {
    if (length <= this.#data.length) return;
    const data = Buffer.allocUnsafe(length);
    this.#data.copy(data);
    this.#data = data;
  }

  /** Copies: a view of one byte would keep the whole chunk that it came in. */
  #keep(data: Buffer): void {
    if (this.#received < this.wanted) data.copy(this.#data, this.#received);
    this.#received += data.length;
  }
}

function readLun(bytes: Buffer): Lun | undefined {
  try {
    return parseLun(bytes);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined; // a LUN that can't exist: absent, as any other
    throw error;
  }
}
