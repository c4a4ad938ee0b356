import { BHS_LENGTH, Flag, Offset, setU32At, u32At } from '../../src/iscsi/bhs.ts';
import { encodeLun } from '../../src/iscsi/lun.ts';
import { encodePdu } from '../../src/iscsi/pdu.ts';
import type { NegotiatedParameters } from '../../src/login/negotiation.ts';
import type { Disk } from '../support/tgtd.ts';
import type { Transfer } from './work.ts';

const BLOCK = 512;
const READ_10 = 0x28;
const WRITE_10 = 0x2a;
/** In a SCSI Command. */
const LBA = 34;
/** In a Data-Out. */
const DATA_SN = 36;
/** In an R2T. */
const BUFFER_OFFSET = 40;
const DESIRED_LENGTH = 44;

/** One task tag with all that is ever sent under it. It is free again when its command has ended, and with it its bytes. */
export class Slot {
  readonly #transfer: Transfer;
  readonly #places: number;
  readonly #command: Buffer;
  /** Data-Out PDUs one behind the other, all of one length but the last. */
  readonly #dataOut: Buffer;
  readonly #pieceLength: number;
  readonly #immediateLength: number;
  #place: number;

  constructor(tag: number, transfer: Transfer, disk: Disk, parameters: NegotiatedParameters) {
    const { bytes, operation, depth } = transfer;
    this.#transfer = transfer;
    this.#places = Math.floor(disk.bytes / bytes);
    this.#place = tag - depth;
    this.#pieceLength = parameters.maxRecvDataSegmentLength.target;
    this.#immediateLength = immediateLength(transfer, parameters);
    const data = Buffer.alloc(bytes, 0x5a + tag);
    const isRead = operation === 'read';
    this.#command = encodePdu(
      'scsiCommand',
      {
        final: true,
        read: isRead,
        write: !isRead,
        attributes: 1,
        lun: encodeLun(disk.lun),
        initiatorTaskTag: tag,
        expectedDataTransferLength: bytes,
        cdb: cdb(isRead ? READ_10 : WRITE_10, bytes / BLOCK),
      },
      isRead ? undefined : data.subarray(0, this.#immediateLength),
    );
    this.#dataOut = isRead ? Buffer.alloc(0) : Buffer.concat([...this.#pieces(tag, data)]);
  }

  /** The command for the next place on the disk. */
  command(cmdSN: number, expStatSN: number): Buffer {
    const { isRandom, depth, bytes } = this.#transfer;
    this.#place = isRandom ? Math.floor(Math.random() * this.#places) : (this.#place + depth) % this.#places;
    setU32At(this.#command, LBA, (this.#place * bytes) / BLOCK);
    setU32At(this.#command, Offset.cmdSN, cmdSN);
    setU32At(this.#command, Offset.expStatSN, expStatSN);
    return this.#command;
  }

  /** What the R2T at this place asks for. */
  dataFor(r2t: Buffer, at: number, expStatSN: number): Buffer {
    const offset = u32At(r2t, at + BUFFER_OFFSET);
    const length = u32At(r2t, at + DESIRED_LENGTH);
    const end = offset + length;
    const from = this.#pieceAt(offset);
    const to = end === this.#transfer.bytes ? this.#dataOut.length : this.#pieceAt(end);
    const stride = BHS_LENGTH + this.#pieceLength;
    for (let piece = from, dataSN = 0; piece < to; piece += stride, dataSN++) {
      this.#dataOut[piece + Offset.opcode + 1] = piece + stride >= to ? Flag.final : 0;
      setU32At(this.#dataOut, piece + Offset.targetTransferTag, u32At(r2t, at + Offset.targetTransferTag));
      setU32At(this.#dataOut, piece + Offset.expStatSN, expStatSN);
      setU32At(this.#dataOut, piece + DATA_SN, dataSN);
    }
    return this.#dataOut.subarray(from, to);
  }

  /** Where the piece for this buffer offset begins. */
  #pieceAt(offset: number): number {
    const index = (offset - this.#immediateLength) / this.#pieceLength;
    if (!Number.isInteger(index) || index < 0) {
      throw new Error(`the target asks for data from ${offset} on, which is not where a Data-Out begins`);
    }
    return index * (BHS_LENGTH + this.#pieceLength);
  }

  *#pieces(initiatorTaskTag: number, data: Buffer): Generator<Buffer> {
    for (
      let bufferOffset = this.#immediateLength;
      bufferOffset < data.length;
      bufferOffset += this.#pieceLength
    ) {
      const piece = data.subarray(bufferOffset, bufferOffset + this.#pieceLength);
      yield encodePdu('dataOut', { initiatorTaskTag, bufferOffset }, piece);
    }
  }
}

function immediateLength({ operation, bytes }: Transfer, parameters: NegotiatedParameters): number {
  const { immediateData, firstBurstLength, maxRecvDataSegmentLength } = parameters;
  if (operation === 'read' || !immediateData) return 0;
  return Math.min(bytes, firstBurstLength, maxRecvDataSegmentLength.target);
}

function cdb(operationCode: number, blocks: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes[0] = operationCode;
  bytes.writeUInt16BE(blocks, 7);
  return bytes;
}
