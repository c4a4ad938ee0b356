import { BHS_LENGTH, Flag, Offset, setU32At, u32At } from './bhs.ts';
import { Opcode } from './opcode.ts';

/**
 * One table that says where each field of each PDU stands (RFC 7143 §11). Reading, writing and the tests' generators all
 * come from it. The hot path does not use it: see bhs.ts.
 */
export interface Field<T> {
  get(bhs: Buffer): T;
  set(bhs: Buffer, value: T): void;
}

const u8 = (at: number): Field<number> => ({
  get: (bhs) => bhs[at]!,
  set: (bhs, value) => void (bhs[at] = value),
});

const u16 = (at: number): Field<number> => ({
  get: (bhs) => bhs.readUInt16BE(at),
  set: (bhs, value) => void bhs.writeUInt16BE(value, at),
});

const u32 = (at: number): Field<number> => ({
  get: (bhs) => u32At(bhs, at),
  set: (bhs, value) => setU32At(bhs, at, value),
});

const flag = (mask: number, at: number = Offset.flags): Field<boolean> => ({
  get: (bhs) => (bhs[at]! & mask) !== 0,
  set: (bhs, value) => void (bhs[at] = value ? bhs[at]! | mask : bhs[at]! & ~mask),
});

const bits = (mask: number, shift = 0, at: number = Offset.flags): Field<number> => ({
  get: (bhs) => (bhs[at]! >>> shift) & mask,
  set: (bhs, value) => void (bhs[at] = (bhs[at]! & ~(mask << shift)) | ((value & mask) << shift)),
});

const octets = (at: number, length: number): Field<Buffer> => ({
  get: (bhs) => Buffer.from(bhs.subarray(at, at + length)),
  set: (bhs, value) => {
    if (value.length !== length)
      throw new RangeError(`the field at ${at} has ${length} bytes, not ${value.length}`);
    value.copy(bhs, at);
  },
});

const immediate = flag(Flag.immediate, Offset.opcode);
const final = flag(Flag.final);
const continues = flag(Flag.continue);
const lun = octets(Offset.lun, 8);
const initiatorTaskTag = u32(Offset.initiatorTaskTag);
const targetTransferTag = u32(Offset.targetTransferTag);
const toTarget = { immediate, initiatorTaskTag, cmdSN: u32(24), expStatSN: u32(28) };
const toInitiator = { initiatorTaskTag, statSN: u32(24), expCmdSN: u32(28), maxCmdSN: u32(32) };
const stages = { transit: final, continues, currentStage: bits(3, 2), nextStage: bits(3) };
const residuals = { overflow: flag(0x04), underflow: flag(0x02) };

export const layouts = {
  nopOut: { opcode: Opcode.nopOut, fields: { ...toTarget, final, lun, targetTransferTag } },
  scsiCommand: {
    opcode: Opcode.scsiCommand,
    fields: {
      ...toTarget,
      final,
      read: flag(0x40),
      write: flag(0x20),
      attributes: bits(7),
      lun,
      expectedDataTransferLength: u32(Offset.expectedDataTransferLength),
      cdb: octets(Offset.cdb, 16),
    },
  },
  taskManagementRequest: {
    opcode: Opcode.taskManagementRequest,
    fields: {
      ...toTarget,
      final,
      function: bits(0x7f),
      lun,
      referencedTaskTag: u32(20),
      refCmdSN: u32(32),
      expDataSN: u32(36),
    },
  },
  loginRequest: {
    opcode: Opcode.loginRequest,
    fields: {
      ...toTarget,
      ...stages,
      versionMax: u8(2),
      versionMin: u8(3),
      isid: octets(8, 6),
      tsih: u16(14),
      cid: u16(20),
    },
  },
  textRequest: {
    opcode: Opcode.textRequest,
    fields: { ...toTarget, final, continues, lun, targetTransferTag },
  },
  dataOut: {
    opcode: Opcode.dataOut,
    fields: {
      final,
      lun,
      initiatorTaskTag,
      targetTransferTag,
      expStatSN: u32(28),
      dataSN: u32(36),
      bufferOffset: u32(40),
    },
  },
  logoutRequest: {
    opcode: Opcode.logoutRequest,
    fields: { ...toTarget, final, reason: bits(0x7f), cid: u16(20) },
  },
  snackRequest: {
    opcode: Opcode.snackRequest,
    fields: {
      final,
      type: bits(0x0f),
      lun,
      initiatorTaskTag,
      targetTransferTag,
      expStatSN: u32(28),
      begRun: u32(40),
      runLength: u32(44),
    },
  },
  nopIn: { opcode: Opcode.nopIn, fields: { ...toInitiator, final, lun, targetTransferTag } },
  scsiResponse: {
    opcode: Opcode.scsiResponse,
    fields: {
      ...toInitiator,
      ...residuals,
      final,
      bidirectionalOverflow: flag(0x10),
      bidirectionalUnderflow: flag(0x08),
      response: u8(Offset.response),
      status: u8(3),
      expDataSN: u32(36),
      bidirectionalResidualCount: u32(40),
      residualCount: u32(44),
    },
  },
  taskManagementResponse: {
    opcode: Opcode.taskManagementResponse,
    fields: { ...toInitiator, final, response: u8(Offset.response) },
  },
  loginResponse: {
    opcode: Opcode.loginResponse,
    fields: {
      ...toInitiator,
      ...stages,
      versionMax: u8(2),
      versionActive: u8(3),
      isid: octets(8, 6),
      tsih: u16(14),
      status: u16(36),
    },
  },
  textResponse: {
    opcode: Opcode.textResponse,
    fields: { ...toInitiator, final, continues, lun, targetTransferTag },
  },
  dataIn: {
    opcode: Opcode.dataIn,
    fields: {
      ...toInitiator,
      ...residuals,
      final,
      acknowledge: flag(0x40),
      hasStatus: flag(Flag.status),
      status: u8(3),
      lun,
      targetTransferTag,
      dataSN: u32(36),
      bufferOffset: u32(40),
      residualCount: u32(44),
    },
  },
  logoutResponse: {
    opcode: Opcode.logoutResponse,
    fields: {
      ...toInitiator,
      final,
      response: u8(Offset.response),
      time2Wait: u16(40),
      time2Retain: u16(42),
    },
  },
  r2t: {
    opcode: Opcode.r2t,
    fields: {
      ...toInitiator,
      final,
      lun,
      targetTransferTag,
      r2tSN: u32(36),
      bufferOffset: u32(40),
      desiredDataTransferLength: u32(44),
    },
  },
  asyncMessage: {
    opcode: Opcode.asyncMessage,
    fields: {
      ...toInitiator,
      final,
      lun,
      event: u8(36),
      vendorCode: u8(37),
      parameter1: u16(38),
      parameter2: u16(40),
      parameter3: u16(42),
    },
  },
  reject: { opcode: Opcode.reject, fields: { ...toInitiator, final, reason: u8(2), dataSN: u32(36) } },
} as const;

export type PduKind = keyof typeof layouts;

export type PduFields<K extends PduKind> = {
  -readonly [F in keyof (typeof layouts)[K]['fields']]: (typeof layouts)[K]['fields'][F] extends Field<
    infer T
  >
    ? T
    : never;
};

/** Writes a BHS; fields left out are zero. AHS and data lengths are filled in by encodePdu. */
export function encodeBhs<K extends PduKind>(kind: K, values: Partial<PduFields<K>>): Buffer {
  const bhs = Buffer.alloc(BHS_LENGTH);
  const { opcode, fields } = layouts[kind] as { opcode: number; fields: Record<string, Field<unknown>> };
  bhs[Offset.opcode] = opcode;
  for (const name of Object.keys(values)) fields[name]!.set(bhs, (values as Record<string, unknown>)[name]);
  return bhs;
}

/** Reads every field of a BHS; the caller has looked at the opcode. */
export function decodeBhs<K extends PduKind>(kind: K, bhs: Buffer): PduFields<K> {
  const { fields } = layouts[kind] as { fields: Record<string, Field<unknown>> };
  const values: Record<string, unknown> = {};
  for (const name of Object.keys(fields)) values[name] = fields[name]!.get(bhs);
  return values as PduFields<K>;
}
