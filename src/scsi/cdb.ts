import { MaintenanceIn, OperationCode, ServiceActionIn16 } from './operationCode.ts';

/** A run of logical blocks as the CDB names it: not yet held against the medium's capacity. */
export interface BlockRange {
  /** Up to 64 bits. */
  readonly lba: bigint;
  /** Number of logical blocks, up to 32 bits. */
  readonly blocks: number;
}

/** RDPROTECT, WRPROTECT or VRPROTECT: protection information, which a medium without it must refuse. */
interface Protected {
  readonly protect: number;
}

/** FUA asks for the medium itself; DPO, a hint to caches, is accepted and has no effect, so it is not parsed. */
interface Cached {
  readonly forceUnitAccess: boolean;
}

interface Verifying {
  /** BYTCHK: 0 the medium alone, 1 against data-out, 2 reserved, 3 one block of data-out against each block. */
  readonly byteCheck: number;
}

interface DataIn {
  readonly allocationLength: number;
}

/** A command descriptor block that the embedded target understands, field by field; nothing in it is checked yet. */
export type Cdb =
  | { readonly kind: 'testUnitReady' }
  | ({ readonly kind: 'requestSense'; readonly descriptorFormat: boolean } & DataIn)
  | ({ readonly kind: 'inquiry'; readonly vitalProductData: boolean; readonly pageCode: number } & DataIn)
  | { readonly kind: 'readCapacity10' }
  | ({ readonly kind: 'readCapacity16' } & DataIn)
  | ({ readonly kind: 'reportLuns'; readonly selectReport: number } & DataIn)
  | ModeSenseCdb
  | ({ readonly kind: 'read' } & BlockRange & Protected & Cached)
  | ({ readonly kind: 'write' } & BlockRange & Protected & Cached)
  | ({ readonly kind: 'verify' } & BlockRange & Protected & Verifying)
  | ({ readonly kind: 'writeAndVerify' } & BlockRange & Protected & Verifying)
  | ({ readonly kind: 'compareAndWrite' } & BlockRange & Protected & Cached)
  | WriteSameCdb
  | { readonly kind: 'unmap'; readonly anchor: boolean; readonly parameterListLength: number }
  | ({ readonly kind: 'prefetch' } & BlockRange)
  | ({ readonly kind: 'synchronizeCache' } & BlockRange)
  | { readonly kind: 'startStopUnit'; readonly start: boolean }
  | { readonly kind: 'preventAllowMediumRemoval'; readonly prevent: boolean }
  | ReportSupportedOperationCodesCdb
  | ({ readonly kind: 'persistentReserveIn'; readonly serviceAction: number } & DataIn)
  | PersistentReserveOutCdb
  | { readonly kind: 'unsupported'; readonly what: 'operationCode' | 'serviceAction' };

export interface ModeSenseCdb extends DataIn {
  readonly kind: 'modeSense';
  readonly form: 6 | 10;
  readonly disableBlockDescriptors: boolean;
  /** 0 current, 1 changeable, 2 default, 3 saved. */
  readonly pageControl: number;
  readonly pageCode: number;
  readonly subpageCode: number;
}

export interface WriteSameCdb extends BlockRange, Protected {
  readonly kind: 'writeSame';
  readonly anchor: boolean;
  readonly unmap: boolean;
  /** The obsolete PBDATA and LBDATA. */
  readonly addressInData: boolean;
  /** NDOB: no data-out, the pattern is zeros. */
  readonly noDataOut: boolean;
}

export interface ReportSupportedOperationCodesCdb extends DataIn {
  readonly kind: 'reportSupportedOperationCodes';
  /** RCTD: with command timeouts descriptors. */
  readonly timeouts: boolean;
  readonly reportingOptions: number;
  readonly requestedOperationCode: number;
  readonly requestedServiceAction: number;
}

export interface PersistentReserveOutCdb {
  readonly kind: 'persistentReserveOut';
  readonly serviceAction: number;
  readonly scope: number;
  readonly type: number;
  readonly parameterListLength: number;
}

const CDB_LENGTH = 16;

/**
 * Reads a CDB of any length (iSCSI pads to 16 bytes; missing bytes count as zero). Never throws: what is unknown
 * is `unsupported`.
 */
export function parseCdb(cdb: Uint8Array): Cdb {
  const b =
    cdb.length >= CDB_LENGTH
      ? Buffer.from(cdb.buffer, cdb.byteOffset, CDB_LENGTH)
      : Buffer.concat([cdb], CDB_LENGTH);
  switch (b.readUInt8(0)) {
    case OperationCode.testUnitReady:
      return { kind: 'testUnitReady' };
    case OperationCode.requestSense:
      return { kind: 'requestSense', descriptorFormat: bit(b, 1, 0), allocationLength: b[4]! };
    case OperationCode.inquiry:
      return {
        kind: 'inquiry',
        vitalProductData: bit(b, 1, 0),
        pageCode: b[2]!,
        allocationLength: b.readUInt16BE(3),
      };
    case OperationCode.modeSense6:
      return { ...modeSense(b), form: 6, allocationLength: b[4]! };
    case OperationCode.modeSense10:
      return { ...modeSense(b), form: 10, allocationLength: b.readUInt16BE(7) };
    case OperationCode.startStopUnit:
      return { kind: 'startStopUnit', start: bit(b, 4, 0) };
    case OperationCode.preventAllowMediumRemoval:
      return { kind: 'preventAllowMediumRemoval', prevent: (b[4]! & 3) !== 0 };
    case OperationCode.readCapacity10:
      return { kind: 'readCapacity10' };
    case OperationCode.read6:
      return { kind: 'read', ...range6(b), protect: 0, forceUnitAccess: false };
    case OperationCode.read10:
      return { kind: 'read', ...range10(b), ...cacheBits(b) };
    case OperationCode.read12:
      return { kind: 'read', ...range12(b), ...cacheBits(b) };
    case OperationCode.read16:
      return { kind: 'read', ...range16(b), ...cacheBits(b) };
    case OperationCode.write6:
      return { kind: 'write', ...range6(b), protect: 0, forceUnitAccess: false };
    case OperationCode.write10:
      return { kind: 'write', ...range10(b), ...cacheBits(b) };
    case OperationCode.write12:
      return { kind: 'write', ...range12(b), ...cacheBits(b) };
    case OperationCode.write16:
      return { kind: 'write', ...range16(b), ...cacheBits(b) };
    case OperationCode.verify10:
      return { kind: 'verify', ...range10(b), ...verifyBits(b) };
    case OperationCode.verify12:
      return { kind: 'verify', ...range12(b), ...verifyBits(b) };
    case OperationCode.verify16:
      return { kind: 'verify', ...range16(b), ...verifyBits(b) };
    case OperationCode.writeAndVerify10:
      return { kind: 'writeAndVerify', ...range10(b), ...verifyBits(b) };
    case OperationCode.writeAndVerify12:
      return { kind: 'writeAndVerify', ...range12(b), ...verifyBits(b) };
    case OperationCode.writeAndVerify16:
      return { kind: 'writeAndVerify', ...range16(b), ...verifyBits(b) };
    case OperationCode.compareAndWrite:
      return { kind: 'compareAndWrite', lba: b.readBigUInt64BE(2), blocks: b[13]!, ...cacheBits(b) };
    case OperationCode.writeSame10:
      return { ...writeSame(b), ...range10(b), noDataOut: false };
    case OperationCode.writeSame16:
      return { ...writeSame(b), ...range16(b), noDataOut: bit(b, 1, 0) };
    case OperationCode.unmap:
      return { kind: 'unmap', anchor: bit(b, 1, 0), parameterListLength: b.readUInt16BE(7) };
    case OperationCode.prefetch10:
      return { kind: 'prefetch', ...range10(b) };
    case OperationCode.prefetch16:
      return { kind: 'prefetch', ...range16(b) };
    case OperationCode.synchronizeCache10:
      return { kind: 'synchronizeCache', ...range10(b) };
    case OperationCode.synchronizeCache16:
      return { kind: 'synchronizeCache', ...range16(b) };
    case OperationCode.reportLuns:
      return { kind: 'reportLuns', selectReport: b[2]!, allocationLength: b.readUInt32BE(6) };
    case OperationCode.persistentReserveIn:
      return {
        kind: 'persistentReserveIn',
        serviceAction: serviceAction(b),
        allocationLength: b.readUInt16BE(7),
      };
    case OperationCode.persistentReserveOut:
      return {
        kind: 'persistentReserveOut',
        serviceAction: serviceAction(b),
        scope: b[2]! >>> 4,
        type: b[2]! & 0x0f,
        parameterListLength: b.readUInt32BE(5),
      };
    case OperationCode.serviceActionIn16:
      if (serviceAction(b) !== ServiceActionIn16.readCapacity16) break;
      return { kind: 'readCapacity16', allocationLength: b.readUInt32BE(10) };
    case OperationCode.maintenanceIn:
      if (serviceAction(b) !== MaintenanceIn.reportSupportedOperationCodes) break;
      return {
        kind: 'reportSupportedOperationCodes',
        timeouts: bit(b, 2, 7),
        reportingOptions: b[2]! & 0x07,
        requestedOperationCode: b[3]!,
        requestedServiceAction: b.readUInt16BE(4),
        allocationLength: b.readUInt32BE(6),
      };
    default:
      return { kind: 'unsupported', what: 'operationCode' };
  }
  return { kind: 'unsupported', what: 'serviceAction' };
}

/** 21 bits of LBA; a transfer length of 0 means 256 blocks (SBC-4 §5.10). */
function range6(b: Buffer): BlockRange {
  return { lba: BigInt(b.readUIntBE(1, 3) & 0x1fffff), blocks: b[4] === 0 ? 256 : b[4]! };
}

function range10(b: Buffer): BlockRange {
  return { lba: BigInt(b.readUInt32BE(2)), blocks: b.readUInt16BE(7) };
}

function range12(b: Buffer): BlockRange {
  return { lba: BigInt(b.readUInt32BE(2)), blocks: b.readUInt32BE(6) };
}

function range16(b: Buffer): BlockRange {
  return { lba: b.readBigUInt64BE(2), blocks: b.readUInt32BE(10) };
}

function cacheBits(b: Buffer): Protected & Cached {
  return { protect: b[1]! >>> 5, forceUnitAccess: bit(b, 1, 3) };
}

function verifyBits(b: Buffer): Protected & Verifying {
  return { protect: b[1]! >>> 5, byteCheck: (b[1]! >>> 1) & 3 };
}

function modeSense(b: Buffer): Omit<ModeSenseCdb, 'form' | 'allocationLength'> {
  return {
    kind: 'modeSense',
    disableBlockDescriptors: bit(b, 1, 3),
    pageControl: b[2]! >>> 6,
    pageCode: b[2]! & 0x3f,
    subpageCode: b[3]!,
  };
}

function writeSame(b: Buffer): Omit<WriteSameCdb, keyof BlockRange | 'noDataOut'> {
  return {
    kind: 'writeSame',
    protect: b[1]! >>> 5,
    anchor: bit(b, 1, 4),
    unmap: bit(b, 1, 3),
    addressInData: (b[1]! & 0x06) !== 0,
  };
}

function serviceAction(b: Buffer): number {
  return b[1]! & 0x1f;
}

function bit(b: Buffer, byte: number, position: number): boolean {
  return ((b[byte]! >>> position) & 1) === 1;
}
