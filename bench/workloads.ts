import { RESERVED_TAG } from '../src/iscsi/bhs.ts';
import { encodePdu } from '../src/iscsi/pdu.ts';
import type { AccessRule } from '../src/policy/rules.ts';

const KIB = 1024;
/** What a target takes in one PDU that declares nothing (RFC 7143 §13.12). */
const PIECE = 8 * KIB;
const READ_10 = 0x28;
const WRITE_10 = 0x2a;
/** More tags than are under way at once: the answers come in order. */
export const TAGS = 64;

/** One kind of command, over and over: all bytes of each exchange are there before the clock starts. */
export interface Workload {
  readonly name: string;
  readonly depth: number;
  readonly access: Partial<AccessRule>;
  /** For each task tag: what the initiator sends, and what the target answers. All have the same length. */
  readonly requests: readonly Buffer[];
  readonly responses: readonly Buffer[];
  /** In one exchange, both ways. */
  readonly pdus: number;
  /** Payload of one exchange in bytes. */
  readonly payload: number;
}

export const WORKLOADS: readonly Workload[] = [
  reads('64 KiB reads, Data-In of 8 KiB', 64 * KIB),
  writes('64 KiB writes, Data-Out of 8 KiB', 64 * KIB),
  reads('4 KiB reads', 4 * KIB),
];

function reads(name: string, length: number): Workload {
  const fields = { final: true, read: true, expectedDataTransferLength: length, cdb: cdb(READ_10, length) };
  return {
    name,
    depth: 32,
    access: { luns: [0, 1], mode: 'read-only' },
    requests: forEachTag((tag) => [encodePdu('scsiCommand', { ...fields, ...numbers(tag) })]),
    responses: forEachTag((tag) => dataIn(tag, length)),
    pdus: 1 + length / Math.min(PIECE, length),
    payload: length,
  };
}

function writes(name: string, length: number): Workload {
  const fields = { write: true, expectedDataTransferLength: length, cdb: cdb(WRITE_10, length) };
  return {
    name,
    depth: 32,
    access: { luns: [0, 1], mode: 'read-write' },
    requests: forEachTag((tag) => [
      encodePdu('scsiCommand', { ...fields, ...numbers(tag) }),
      ...dataOut(tag, length),
    ]),
    responses: forEachTag((tag) => [encodePdu('scsiResponse', { final: true, initiatorTaskTag: tag })]),
    pdus: 2 + length / PIECE,
    payload: length,
  };
}

function dataIn(initiatorTaskTag: number, length: number): Buffer[] {
  return pieces(length).map(({ at, size }, dataSN) => {
    const isLast = at + size === length;
    const fields = { initiatorTaskTag, dataSN, bufferOffset: at, final: isLast, hasStatus: isLast };
    return encodePdu('dataIn', { ...fields, targetTransferTag: RESERVED_TAG }, Buffer.alloc(size, 0xdd));
  });
}

function dataOut(tag: number, length: number): Buffer[] {
  return pieces(length).map(({ at, size }, dataSN) => {
    const fields = { ...numbers(tag), dataSN, bufferOffset: at, final: at + size === length };
    const { cmdSN: _, ...dataOutFields } = { ...fields, targetTransferTag: RESERVED_TAG };
    return encodePdu('dataOut', dataOutFields, Buffer.alloc(size, 0xdd));
  });
}

function pieces(length: number): { at: number; size: number }[] {
  const size = Math.min(PIECE, length);
  return Array.from({ length: length / size }, (_, i) => ({ at: i * size, size }));
}

function numbers(tag: number): { initiatorTaskTag: number; cmdSN: number; expStatSN: number } {
  return { initiatorTaskTag: tag, cmdSN: tag, expStatSN: 1 };
}

function cdb(operationCode: number, length: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes[0] = operationCode;
  bytes.writeUInt16BE(length / 512, 7);
  return bytes;
}

function forEachTag(make: (tag: number) => Buffer[]): Buffer[] {
  return Array.from({ length: TAGS }, (_, tag) => Buffer.concat(make(tag)));
}
