import { OperationCode } from '../scsi/operationCode.ts';

/** What a command does to the medium's data, as disk statistics divide it. */
export const IO_CLASSES = ['read', 'write', 'other'] as const;

export type IoClass = (typeof IO_CLASSES)[number];

export const READ = 0;
export const WRITE = 1;
export const OTHER = 2;

/** Operation codes that the embedded target does not serve. */
const ORWRITE_16 = 0x8b;
const WRITE_ATOMIC_16 = 0x9c;
const VARIABLE_LENGTH = 0x7f;

/**
 * By operation code and never by the PDU's R and W bits, which anybody may set on anything. Writing is what puts data on the medium.
 * UNMAP is `other`: it moves no data, and hosts send it in bursts that would drown the share of real writes (block layers count
 * discards by themselves too). VERIFY reads, but hands nothing over.
 */
const BY_OPERATION_CODE = new Uint8Array(256).fill(OTHER);
for (const code of [OperationCode.read6, OperationCode.read10, OperationCode.read12, OperationCode.read16]) {
  BY_OPERATION_CODE[code] = READ;
}
for (const code of [
  OperationCode.write6,
  OperationCode.write10,
  OperationCode.write12,
  OperationCode.write16,
  OperationCode.writeAndVerify10,
  OperationCode.writeAndVerify12,
  OperationCode.writeAndVerify16,
  OperationCode.writeSame10,
  OperationCode.writeSame16,
  OperationCode.compareAndWrite,
  ORWRITE_16,
  WRITE_ATOMIC_16,
]) {
  BY_OPERATION_CODE[code] = WRITE;
}

/** Service actions of a variable-length CDB (SBC-4 §5): READ, WRITE, WRITE AND VERIFY, WRITE SAME (32). */
const READ_32 = 0x0009;
const WRITES_32: readonly number[] = [0x000b, 0x000c, 0x000d];

/** Place in IO_CLASSES of the command with its CDB at `bytes[cdbAt]`, of which 16 bytes are there. */
export function ioClassAt(bytes: Uint8Array, cdbAt: number): number {
  const operationCode = bytes[cdbAt]!;
  if (operationCode !== VARIABLE_LENGTH) return BY_OPERATION_CODE[operationCode]!;
  const serviceAction = (bytes[cdbAt + 8]! << 8) | bytes[cdbAt + 9]!;
  if (serviceAction === READ_32) return READ;
  return WRITES_32.includes(serviceAction) ? WRITE : OTHER;
}
