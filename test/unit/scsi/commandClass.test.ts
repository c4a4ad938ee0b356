import { expect, test } from 'vitest';
import { classifyCommand, type CommandClass, type DangerousCommand } from '../../../src/scsi/commandClass.ts';

/** The class of a CDB with these first bytes. */
function classOf(...bytes: readonly number[]): CommandClass {
  return classifyCommand(Buffer.from([...bytes, ...Array<number>(16).fill(0)]), 0);
}

const variableLength = (serviceAction: number) =>
  classOf(0x7f, 0, 0, 0, 0, 0, 0, 0x18, serviceAction >>> 8, serviceAction & 0xff);

const hex = (numbers: readonly number[]) => numbers.map((number) => number.toString(16).padStart(2, '0'));

const READ = [0x08, 0x28, 0xa8, 0x88, 0x2f, 0xaf, 0x8f, 0x34, 0x90];
const HARMLESS = READ.concat([
  0x00, 0x03, 0x12, 0x1a, 0x5a, 0x25, 0x37, 0x3c, 0x4d, 0x5e, 0xa0, 0xa2, 0x84, 0x35, 0x91,
]);
const UNMAP_AND_ZONES = [0x42, 0x94]; // normal life
const WRITE = UNMAP_AND_ZONES.concat([
  0x0a, 0x2a, 0xaa, 0x8a, 0x2e, 0xae, 0x8e, 0x41, 0x93, 0x3f, 0x89, 0x9c, 0x8b, 0x53, 0x50, 0x51, 0x3d,
]);
const CONFIGURE = [0x15, 0x55, 0x4c, 0x1d, 0x1b, 0xa4, 0x8d];
const RESERVE = [0x5f, 0x16, 0x17, 0x56, 0x57];
const UNKNOWN = [0x40, 0x87, 0xa9, 0x9d, 0x01, 0x02, 0x36, 0x9b, 0x9e, 0x9f, 0xa3, 0xbe, 0x86];
const DANGEROUS: [DangerousCommand, number[]][] = [
  ['format', [0x04]],
  ['reassign', [0x07]],
  ['erase', [0x19, 0x2c, 0xac]],
  ['sanitize', [0x48]],
  ['extended-copy', [0x83, 0x18, 0x3a, 0x39]],
  ['write-buffer', [0x3b]],
  ['security-protocol', [0xb5]],
  ['pass-through', [0xa1, 0x85, 0x7e]],
];

test.each(hex(HARMLESS))('%sh changes nothing', (code) => {
  expect(classOf(Number.parseInt(code, 16))).toMatchObject({ effect: 'harmless' });
});

test.each(hex(WRITE))('%sh changes the medium, and is normal life', (code) => {
  expect(classOf(Number.parseInt(code, 16))).toEqual({ effect: 'write' });
});

test.each(hex(CONFIGURE))('%sh changes settings', (code) => {
  expect(classOf(Number.parseInt(code, 16))).toEqual({ effect: 'configure' });
});

test.each(hex(RESERVE))('%sh is about reservations', (code) => {
  expect(classOf(Number.parseInt(code, 16))).toEqual({ effect: 'reserve' });
});

test.each(hex(UNKNOWN))('%sh is unknown', (code) => {
  expect(classOf(Number.parseInt(code, 16))).toEqual({ effect: 'unknown' });
});

test.each(DANGEROUS)('%s is dangerous, and changes the medium', (danger, codes) => {
  for (const code of codes) expect(classOf(code)).toEqual({ effect: 'write', danger });
});

test('C0h to FFh belong to vendors', () => {
  for (let code = 0xc0; code <= 0xff; code++) {
    expect(classOf(code)).toEqual({ effect: 'unknown', danger: 'vendor' });
  }
});

test('only REPORT LUNS lists logical units', () => {
  const listing = Array.from({ length: 256 }, (_, code) => code).filter((code) => classOf(code).listsLuns);
  expect(listing).toEqual([0xa0]);
});

test.each([
  [0x0009, 'harmless'],
  [0x000a, 'harmless'],
  [0x0003, 'write'],
  [0x0004, 'write'],
  [0x0006, 'write'],
  [0x0007, 'write'],
  [0x000b, 'write'],
  [0x000c, 'write'],
  [0x000d, 'write'],
  [0x0000, 'unknown'],
  [0x0109, 'unknown'],
  [0xff0b, 'unknown'],
  [0x1800, 'unknown'],
])('a variable-length command is what its bytes 8 and 9 say: %i is %s', (serviceAction, effect) => {
  expect(variableLength(serviceAction)).toEqual({ effect });
});

test.each([
  [0x9e, [0x10, 0x11, 0x12, 0x13, 0x16], 'harmless'],
  [0x9f, [0x11], 'write'],
  [0xa3, [0x05, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f], 'harmless'],
])('%i has service actions: %j are %s, the others unknown', (code, known, effect) => {
  for (let serviceAction = 0; serviceAction < 32; serviceAction++) {
    expect(classOf(code, serviceAction).effect).toBe(known.includes(serviceAction) ? effect : 'unknown');
  }
});

test('bits above the service action do not make it another one', () => {
  expect(classOf(0x9e, 0xe0 | 0x10)).toEqual({ effect: 'harmless' });
  expect(classOf(0x9f, 0xe0 | 0x11)).toEqual({ effect: 'write' });
});

test('a CDB is classified where it stands', () => {
  const bytes = Buffer.alloc(64);
  bytes[33] = 0x2a;
  expect(classifyCommand(bytes, 33)).toEqual({ effect: 'write' });
  expect(classifyCommand(bytes, 32)).toEqual({ effect: 'harmless' });
});
