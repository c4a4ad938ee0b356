import { ahsLengthAt, BHS_LENGTH, Offset, u32At } from '../iscsi/bhs.ts';
import { OperationCode } from '../scsi/operationCode.ts';

const WRITE_ATOMIC_16 = 0x9c;
/** An Additional Header Segment's type for the rest of a long CDB, and where that rest begins (RFC 7143 §11.2.2.3). */
const EXTENDED_CDB = 1;
const EXTENDED_CDB_AT = BHS_LENGTH + 4;
/** LENGTH, type and its reserved byte: the rest of a 32-byte CDB is 16 bytes. */
const AHS_LENGTH = 20;
const TWO_32 = 2 ** 32;

/**
 * First logical block of the READ or WRITE whose SCSI Command's BHS is at `bytes[at]`; -1 if its CDB is cut short. A plain number:
 * whoever has more than 2^53 blocks is told less exactly what is sequential. (scsi/cdb.ts parses for a target: with objects and
 * BigInt, which a relay cannot afford at every command.)
 */
export function firstBlockAt(bytes: Uint8Array, at: number): number {
  const cdb = at + Offset.cdb;
  switch (bytes[cdb]! >>> 5) {
    case 0:
      return ((bytes[cdb + 1]! & 0x1f) << 16) | (bytes[cdb + 2]! << 8) | bytes[cdb + 3]!;
    case 3:
      if (!hasExtendedCdb(bytes, at)) return -1;
      return u32At(bytes, cdb + 12) * TWO_32 + u32At(bytes, at + EXTENDED_CDB_AT);
    case 4:
      return u32At(bytes, cdb + 2) * TWO_32 + u32At(bytes, cdb + 6);
    default:
      return u32At(bytes, cdb + 2);
  }
}

/** How many logical blocks it covers. */
export function blocksAt(bytes: Uint8Array, at: number): number {
  const cdb = at + Offset.cdb;
  switch (bytes[cdb]! >>> 5) {
    case 0:
      return bytes[cdb + 4]! || 256; // SBC-4 §5.10
    case 1:
    case 2:
      return (bytes[cdb + 7]! << 8) | bytes[cdb + 8]!;
    case 3:
      return hasExtendedCdb(bytes, at) ? u32At(bytes, at + EXTENDED_CDB_AT + 12) : 0;
    case 4:
      if (bytes[cdb] === OperationCode.compareAndWrite) return bytes[cdb + 13]!;
      if (bytes[cdb] === WRITE_ATOMIC_16) return (bytes[cdb + 12]! << 8) | bytes[cdb + 13]!;
      return u32At(bytes, cdb + 10);
    default:
      return u32At(bytes, cdb + 6);
  }
}

function hasExtendedCdb(bytes: Uint8Array, at: number): boolean {
  return ahsLengthAt(bytes, at) >= AHS_LENGTH && bytes[at + BHS_LENGTH + 2] === EXTENDED_CDB;
}
