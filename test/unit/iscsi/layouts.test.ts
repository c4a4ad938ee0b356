import { describe, expect, test } from 'vitest';
import { BHS_LENGTH, opcodeAt } from '../../../src/iscsi/bhs.ts';
import { decodeBhs, encodeBhs, layouts, type PduKind } from '../../../src/iscsi/layouts.ts';
import { Opcode } from '../../../src/iscsi/opcode.ts';
import { vectorPdus } from '../../support/vectors.ts';

describe.each(vectorPdus)('$title', ({ kind, wire, expect: fields }) => {
  const bhs = wire.subarray(0, BHS_LENGTH);

  test('has the fields that another reader found', () => {
    const decoded: Record<string, unknown> = decodeBhs(kind, bhs);
    const shown = Object.entries(decoded).map(([name, value]) => [
      name,
      Buffer.isBuffer(value) ? value.toString('hex') : String(value),
    ]);
    expect(Object.fromEntries(shown)).toEqual(fields);
  });

  test('is written as it was sent', () => {
    const written = encodeBhs(kind, decodeBhs(kind, bhs));
    bhs.copy(written, 4, 4, 8); // lengths belong to wirePdu
    expect(written.toString('hex')).toBe(bhs.toString('hex'));
  });
});

test('every opcode has one layout', () => {
  const opcodes = Object.values(layouts).map(({ opcode }) => opcode);
  expect(opcodes.sort((a, b) => a - b)).toEqual(Object.values(Opcode).sort((a, b) => a - b));
});

// Kinds and fields that no recorded conversation has, from RFC 7143's figures.
test.each<[PduKind, string, Record<string, unknown>]>([
  [
    'logoutResponse',
    '268001000000000000000000000000000000000700000000000000040000000500000006000000000002001400000000',
    {
      final: true,
      response: 1,
      initiatorTaskTag: 7,
      statSN: 4,
      expCmdSN: 5,
      maxCmdSN: 6,
      time2Wait: 2,
      time2Retain: 20,
    },
  ],
  [
    'scsiResponse',
    '21960102000000000000000000000000000000070000000000000004000000050000000600000008000000090000000a',
    {
      final: true,
      bidirectionalOverflow: true,
      bidirectionalUnderflow: false,
      overflow: true,
      underflow: true,
      response: 1,
      status: 2,
      initiatorTaskTag: 7,
      statSN: 4,
      expCmdSN: 5,
      maxCmdSN: 6,
      expDataSN: 8,
      bidirectionalResidualCount: 9,
      residualCount: 10,
    },
  ],
  [
    'taskManagementRequest',
    '428100000000000000010000000000000000000700000006000000030000000400000002000000080000000000000000',
    {
      immediate: true,
      final: true,
      function: 1,
      lun: Buffer.from('0001000000000000', 'hex'),
      initiatorTaskTag: 7,
      referencedTaskTag: 6,
      cmdSN: 3,
      expStatSN: 4,
      refCmdSN: 2,
      expDataSN: 8,
    },
  ],
  [
    'r2t',
    '318000000000000000010000000000000000000700000009000000040000000500000006000000080000000a0000000b',
    {
      final: true,
      lun: Buffer.from('0001000000000000', 'hex'),
      initiatorTaskTag: 7,
      targetTransferTag: 9,
      statSN: 4,
      expCmdSN: 5,
      maxCmdSN: 6,
      r2tSN: 8,
      bufferOffset: 10,
      desiredDataTransferLength: 11,
    },
  ],
  [
    'loginResponse',
    '23c601020000000080012345678900110000000700000000000000040000000500000006020300000000000000000000',
    {
      transit: true,
      continues: true,
      currentStage: 1,
      nextStage: 2,
      versionMax: 1,
      versionActive: 2,
      isid: Buffer.from('800123456789', 'hex'),
      tsih: 0x11,
      initiatorTaskTag: 7,
      statSN: 4,
      expCmdSN: 5,
      maxCmdSN: 6,
      status: 0x0203,
    },
  ],
  [
    'snackRequest',
    '10820000000000000001000000000000000000070000000900000000000000030000000000000000000000050000000a',
    {
      final: true,
      type: 2,
      lun: Buffer.from('0001000000000000', 'hex'),
      initiatorTaskTag: 7,
      targetTransferTag: 9,
      expStatSN: 3,
      begRun: 5,
      runLength: 10,
    },
  ],
  [
    'asyncMessage',
    '32800000000000000002000000000000ffffffff00000000000000040000000500000006010200030004000500000000',
    {
      final: true,
      lun: Buffer.from('0002000000000000', 'hex'),
      initiatorTaskTag: 0xffffffff,
      statSN: 4,
      expCmdSN: 5,
      maxCmdSN: 6,
      event: 1,
      vendorCode: 2,
      parameter1: 3,
      parameter2: 4,
      parameter3: 5,
    },
  ],
  [
    'reject',
    '3f800900000000000000000000000000ffffffff00000000000000040000000500000006000000070000000000000000',
    {
      final: true,
      reason: 9,
      initiatorTaskTag: 0xffffffff,
      statSN: 4,
      expCmdSN: 5,
      maxCmdSN: 6,
      dataSN: 7,
    },
  ],
])('%s stands as RFC 7143 draws it', (kind, hex, fields) => {
  const bhs = Buffer.from(hex, 'hex').subarray(0, BHS_LENGTH);
  expect(opcodeAt(bhs, 0)).toBe(layouts[kind].opcode);
  expect(decodeBhs(kind, bhs)).toEqual(fields);
  expect(encodeBhs(kind, fields).toString('hex')).toBe(bhs.toString('hex'));
});

test('byte fields are copies: what becomes of the header does not reach them', () => {
  const bhs = encodeBhs('loginRequest', { isid: Buffer.from('800123456789', 'hex') });
  const { isid } = decodeBhs('loginRequest', bhs);
  bhs.fill(0);
  expect(isid.toString('hex')).toBe('800123456789');
});

test('a byte field of another length is not written', () => {
  expect(() => encodeBhs('scsiCommand', { cdb: Buffer.alloc(10) })).toThrow(RangeError);
});
