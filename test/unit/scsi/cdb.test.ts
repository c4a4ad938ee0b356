import { expect, test } from 'vitest';
import { parseCdb } from '../../../src/scsi/cdb.ts';
import { hex } from '../target/disk.ts';

const parse = (digits: string): ReturnType<typeof parseCdb> => parseCdb(hex(digits));

test('a 16-byte CDB keeps all 64 bits of its LBA', () => {
  expect(parse('88 08 fffffffffffffffe ffffffff 00 00')).toEqual({
    kind: 'read',
    lba: 0xfffffffffffffffen,
    blocks: 0xffffffff,
    protect: 0,
    forceUnitAccess: true,
  });
});

test('READ(6) has 21 bits of LBA and a length of 0 that means 256', () => {
  expect(parse('08 ffffff 00 00')).toMatchObject({ kind: 'read', lba: 0x1fffffn, blocks: 256 });
  expect(parse('0a 000001 02 00')).toMatchObject({ kind: 'write', lba: 1n, blocks: 2 });
});

test('READ and WRITE (10) and (12) take LBA and length from their own places', () => {
  expect(parse('28 00 01020304 00 0506 00')).toMatchObject({
    kind: 'read',
    lba: 0x01020304n,
    blocks: 0x0506,
  });
  expect(parse('aa 00 01020304 05060708 00 00')).toMatchObject({
    kind: 'write',
    lba: 0x01020304n,
    blocks: 0x05060708,
  });
});

test('VERIFY and WRITE AND VERIFY show BYTCHK and the protect field', () => {
  expect(parse('2f 22 00000001 00 0001 00')).toMatchObject({ kind: 'verify', byteCheck: 1, protect: 1 });
  expect(parse('8e 06 0000000000000001 00000001 00 00')).toMatchObject({
    kind: 'writeAndVerify',
    byteCheck: 3,
  });
});

test('WRITE SAME(16) shows UNMAP, ANCHOR and NDOB', () => {
  expect(parse('93 19 0000000000000001 00000001 00 00')).toMatchObject({
    kind: 'writeSame',
    unmap: true,
    anchor: true,
    noDataOut: true,
  });
});

test('bit 0 of byte 1 is no NDOB in WRITE SAME(10)', () => {
  expect(parse('41 01 00000000 00 0001 00')).toMatchObject({ kind: 'writeSame', noDataOut: false });
});

test('PERSISTENT RESERVE OUT shows service action, scope, type and a 32-bit parameter list length', () => {
  expect(parse('5f 05 27 0000 01000018 00')).toEqual({
    kind: 'persistentReserveOut',
    serviceAction: 5,
    scope: 2,
    type: 7,
    parameterListLength: 0x01000018,
  });
});

test('an unknown operation code and an unknown service action are told apart', () => {
  expect(parse('04 00 00 00 00 00')).toEqual({ kind: 'unsupported', what: 'operationCode' });
  expect(parse('9e 12')).toEqual({ kind: 'unsupported', what: 'serviceAction' });
  expect(parse('a3 0a')).toEqual({ kind: 'unsupported', what: 'serviceAction' });
  expect(parse('7f 00 00 00 00 00 00 18 00 09')).toEqual({ kind: 'unsupported', what: 'operationCode' });
});

test('a CDB that is too short counts as filled with zeros', () => {
  expect(parseCdb(Buffer.of(0x28))).toMatchObject({ kind: 'read', lba: 0n, blocks: 0 });
  expect(parseCdb(Buffer.alloc(0))).toEqual({ kind: 'testUnitReady' });
});

test('a CDB is read where it lies inside a larger buffer', () => {
  const pdu = Buffer.concat([Buffer.alloc(32, 0xff), hex('28 00 00000007 00 0001 00'), Buffer.alloc(6)]);
  expect(parseCdb(pdu.subarray(32))).toMatchObject({ kind: 'read', lba: 7n, blocks: 1 });
});
