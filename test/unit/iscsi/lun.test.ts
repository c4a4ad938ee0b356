import { expect, test } from 'vitest';
import { encodeLun, parseLun, REPORT_LUNS_WELL_KNOWN } from '../../../src/iscsi/lun.ts';
import { expectProtocolError } from '../../support/protocolErrors.ts';

test.each([
  ['0000000000000000', 0],
  ['0005000000000000', 5],
  ['00ff000000000000', 255],
  ['4100000000000000', 256],
  ['7fff000000000000', 16383],
  ['c101000000000000', REPORT_LUNS_WELL_KNOWN],
] as const)('%s is logical unit %s, and is written so', (hex, lun) => {
  expect(parseLun(Buffer.from(hex, 'hex'))).toBe(lun);
  expect(encodeLun(lun).toString('hex')).toBe(hex);
});

test('peripheral and flat addressing of one logical unit give one number', () => {
  for (let lun = 0; lun < 256; lun++) {
    expect(parseLun(Buffer.from([0x00, lun, 0, 0, 0, 0, 0, 0]))).toBe(lun);
    expect(parseLun(Buffer.from([0x40, lun, 0, 0, 0, 0, 0, 0]))).toBe(lun);
  }
});

test('a LUN is read where it stands', () => {
  expect(parseLun(Buffer.from('ffff40070000000000000000', 'hex'), 2)).toBe(7);
});

test.each([
  ['0105000000000000', 'another bus'],
  ['3f05000000000000', 'the last bus'],
  ['8005000000000000', 'logical unit addressing'],
  ['bfff000000000000', 'logical unit addressing'],
  ['c105000000000000', 'another well-known logical unit'],
  ['c102000000000000', 'the ACCESS CONTROLS well-known logical unit'],
  ['d101000000000000', 'long extended addressing'],
  ['ffffffffffffffff', 'the reserved value'],
  ['0005000100000000', 'a second level'],
  ['0005000000000001', 'something in the last byte'],
  ['4005010000000000', 'a second level behind flat addressing'],
  ['c101000000000100', 'something behind the well-known logical unit'],
  ['00050000', 'half a LUN'],
])('%s is refused: %s', (hex) => {
  expectProtocolError('bad_lun', () => parseLun(Buffer.from(hex, 'hex')));
});

test.each([-1, 16384, 1.5, Number.NaN])('%s is never written as a LUN', (lun) => {
  expect(() => encodeLun(lun)).toThrow(RangeError);
});
