import { RESERVED_TAG } from '../iscsi/bhs.ts';
import { decodeBhs, type PduFields } from '../iscsi/layouts.ts';
import { parseLun } from '../iscsi/lun.ts';
import type { Pdu } from '../iscsi/pdu.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import type { NegotiatedParameters } from '../login/negotiation.ts';
import { expectedTransfer } from '../scsi/expectedTransfer.ts';

/** The next piece of data-out that the target asks for. */
export interface Solicitation {
  readonly targetTransferTag: number;
  readonly r2tSN: number;
  readonly bufferOffset: number;
  readonly length: number;
}

/**
 * One SCSI command of a session from its arrival until its response, and the data-out that comes with it: immediate, unsolicited,
 * solicited (RFC 7143 §4.2.4.3, §11.3).
 */
export class TargetTask {
  readonly command: PduFields<'scsiCommand'>;
  readonly lun: number | 'report-luns' | undefined;
  /** Bytes of data-out that the CDB needs. */
  readonly needed: number;
  /** Bytes of data-out that the CDB needs and the initiator announced; what goes beyond is dropped. */
  readonly wanted: number;
  /** Set when the task is to answer nothing any more. */
  isAborted = false;
  readonly #parameters: NegotiatedParameters;
  readonly #pieces: Buffer[] = [];
  #received = 0;
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
    this.#parameters = parameters;
    this.#immediate(pdu.data);
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

  get isComplete(): boolean {
    return !this.isReceiving && this.#received >= this.wanted;
  }

  /** Asks for the next burst. */
  solicit(targetTransferTag: number): Solicitation {
    const bufferOffset = this.#received;
    const length = Math.min(this.wanted - bufferOffset, this.#parameters.maxBurstLength);
    this.#burst = { targetTransferTag, end: bufferOffset + length, dataSN: 0 };
    return { targetTransferTag, r2tSN: this.#r2tSN++, bufferOffset, length };
  }

  /** What came, cut to what is wanted. */
  takeData(): Buffer {
    return Buffer.concat(this.#pieces).subarray(0, this.wanted);
  }

  #immediate(data: Buffer): void {
    const { write, final, expectedDataTransferLength } = this.command;
    const { immediateData, initialR2T, firstBurstLength, maxBurstLength } = this.#parameters;
    const mayComeUnasked = write ? Math.min(expectedDataTransferLength, firstBurstLength, maxBurstLength) : 0;
    if (data.length > (immediateData ? mayComeUnasked : 0)) {
      throw new ProtocolError('bad_sequence', 'more immediate data than was negotiated');
    }
    this.#keep(data);
    if (final || !write) return;
    if (initialR2T) throw new ProtocolError('bad_flags', 'unsolicited data announced where InitialR2T=Yes');
    this.#burst = { targetTransferTag: RESERVED_TAG, end: mayComeUnasked, dataSN: 0 };
  }

  #keep(data: Buffer): void {
    if (data.length > 0 && this.#received < this.wanted) this.#pieces.push(data);
    this.#received += data.length;
  }
}

/** Residual of a transfer (RFC 7143 §11.4.5): what the initiator announced against what the command came to. */
export function residual(
  expected: number,
  actual: number,
): Pick<PduFields<'scsiResponse'>, 'overflow' | 'underflow' | 'residualCount'> {
  return {
    overflow: actual > expected,
    underflow: actual < expected,
    residualCount: Math.abs(expected - actual),
  };
}

function readLun(bytes: Buffer): number | 'report-luns' | undefined {
  try {
    return parseLun(bytes);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined; // a LUN that can't exist: absent, as any other
    throw error;
  }
}
