import { expect, test } from 'vitest';
import { senseKeyOf } from '../../../src/scsi/senseKey.ts';
import { fixedSense } from '../../../src/scsi/sense.ts';

test('the sense key is where its format has it', () => {
  expect(senseKeyOf(fixedSense(0x05, 0x2400))).toBe(5);
  expect(senseKeyOf(Buffer.from('7000e3', 'hex'))).toBe(3);
  expect(senseKeyOf(Buffer.from('720b', 'hex'))).toBe(11);
  expect(senseKeyOf(Buffer.from('73fe', 'hex'))).toBe(14);
});

test.each(['', '00', '70', '7000', '72', '7f050505'])('there is none in %j', (hex) => {
  expect(senseKeyOf(Buffer.from(hex, 'hex'))).toBeUndefined();
});
