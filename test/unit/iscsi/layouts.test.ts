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

// Kinds that no recorded conversation has, from RFC 7143's figures.
test.each<[PduKind, string, Record<string, unknown>]>([
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
