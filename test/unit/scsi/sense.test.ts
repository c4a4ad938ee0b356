import { expect, test } from 'vitest';
import { AdditionalSense, fixedSense, SenseKey } from '../../../src/scsi/sense.ts';
import { digits } from '../target/disk.ts';

test('fixed sense data is 18 bytes with key, ASC and ASCQ in place', () => {
  const sense = fixedSense(SenseKey.illegalRequest, AdditionalSense.lbaOutOfRange);
  expect(sense.toString('hex')).toBe(digits('70000500000000 0a 00000000 2100 00000000'));
});

test('INFORMATION sets VALID', () => {
  const sense = fixedSense(SenseKey.miscompare, AdditionalSense.miscompareDuringVerify, { information: 515 });
  expect(sense[0]).toBe(0xf0);
  expect(sense.readUInt32BE(3)).toBe(515);
});

test('a field pointer names the CDB byte', () => {
  const sense = fixedSense(SenseKey.illegalRequest, AdditionalSense.invalidFieldInCdb, { cdbByte: 2 });
  expect(sense.subarray(15).toString('hex')).toBe('c00002');
});
