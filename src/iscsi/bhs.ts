/**
 * The Basic Header Segment as bytes (RFC 7143 §11.2.1): offsets and accessors for the hot path, where a header is
 * read and patched inside the chunk in which it arrived. `at` is where the header begins in `bytes`.
 */
export const BHS_LENGTH = 48;

/** TotalAHSLength counts 4-byte words in one byte. */
export const MAX_AHS_LENGTH = 255 * 4;

export const DIGEST_LENGTH = 4;

/** "No tag": an Initiator Task Tag or Target Transfer Tag that names no task (RFC 7143 §11.2.1.8). */
export const RESERVED_TAG = 0xffffffff;

/** Offsets of fields that several PDUs share, and of a SCSI Command's own (RFC 7143 §11.3). */
export const Offset = {
  opcode: 0,
  flags: 1,
  totalAhsLength: 4,
  dataSegmentLength: 5,
  lun: 8,
  initiatorTaskTag: 16,
  targetTransferTag: 20,
  cmdSN: 24,
  /** Initiator to target. */
  expStatSN: 28,
  /** Target to initiator. */
  statSN: 24,
  expCmdSN: 28,
  maxCmdSN: 32,
  /** SCSI Response, Task Management Function Response, Logout Response. */
  response: 2,
  /** SCSI Command. */
  expectedDataTransferLength: 20,
  cdb: 32,
} as const;

export const Flag = {
  immediate: 0x40,
  final: 0x80,
  continue: 0x40,
  /** Data-In only: the PDU carries the task's status, and with it a StatSN. */
  status: 0x01,
} as const;

export function opcodeAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! & 0x3f;
}

export function flagsAt(bytes: Uint8Array, at: number): number {
  return bytes[at + Offset.flags]!;
}

/** Length of all Additional Header Segments in bytes. */
export function ahsLengthAt(bytes: Uint8Array, at: number): number {
  return bytes[at + Offset.totalAhsLength]! * 4;
}

/** DataSegmentLength in bytes, without padding. */
export function dataSegmentLengthAt(bytes: Uint8Array, at: number): number {
  const field = at + Offset.dataSegmentLength;
  return (bytes[field]! << 16) | (bytes[field + 1]! << 8) | bytes[field + 2]!;
}

export function u32At(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

export function setU32At(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** A length rounded up to the 4-byte boundary to which data segments are padded (RFC 7143 §11.2.3). */
export function padded(length: number): number {
  return (length + 3) & ~3;
}
