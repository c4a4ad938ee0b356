import { expect, test } from 'vitest';
import { AdditionalSense, describeSense, fixedSense, SenseKey } from '../../../src/scsi/sense.ts';
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

test('sense data is described by its three numbers and their names', () => {
  const sense = fixedSense(SenseKey.illegalRequest, AdditionalSense.logicalUnitNotSupported);
  expect(describeSense(sense)).toBe('05/25/00 illegalRequest, logicalUnitNotSupported');
});

test('sense data that is not ours keeps its numbers', () => {
  const sense = Buffer.from('70000100000000 0a 00000000 5d10 00000000'.replaceAll(' ', ''), 'hex');
  expect(describeSense(sense)).toBe('01/5D/10');
});
