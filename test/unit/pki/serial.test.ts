import { expect, test } from 'vitest';
import { normalSerial, typedSerial } from '../../../src/pki/serial.ts';

test.each([
  ['0', '00'],
  ['001', '01'],
  ['00ab', 'AB'],
  ['db1', '0DB1'],
])('the serial number %s is written %s', (hex, normal) => {
  expect(normalSerial(hex)).toBe(normal);
});

test.each([
  ['0xdb1', '0DB1'],
  ['01:ab:CD', '01ABCD'],
  ['0123456789abcdef', '0123456789ABCDEF'],
])('%s is a serial number that somebody typed', (text, serial) => {
  expect(typedSerial(text)).toBe(serial);
});

test.each(['db1', 'abcdef', '', '0x', '1:2', 'gateway', `0x${'1'.repeat(41)}`, '1'.repeat(41)])(
  '%j is no serial number: it could be a name',
  (text) => {
    expect(typedSerial(text)).toBeUndefined();
  },
);
