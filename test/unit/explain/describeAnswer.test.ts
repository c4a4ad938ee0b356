import { expect, test } from 'vitest';
import { describeAnswer } from '../../../src/explain/describeAnswer.ts';
import { encodePdu, NO_DIGESTS } from '../../../src/iscsi/pdu.ts';
import { encodeSenseSegment } from '../../../src/iscsi/scsiResponse.ts';
import { AdditionalSense, fixedSense, SenseKey } from '../../../src/scsi/sense.ts';
import { ScsiStatus } from '../../../src/scsi/status.ts';

const scsiResponse = (status: number, sense?: Buffer): Buffer =>
  encodePdu('scsiResponse', { final: true, status }, encodeSenseSegment(sense), NO_DIGESTS);

test.each([
  [ScsiStatus.good, 'GOOD'],
  [ScsiStatus.busy, 'BUSY'],
  [ScsiStatus.reservationConflict, 'RESERVATION CONFLICT'],
  [0x22, 'status 22h'],
])('a SCSI Response with status %i is told by its name, or its number: %s', (status, told) => {
  expect(describeAnswer(scsiResponse(status))).toBe(told);
});

test('a CHECK CONDITION is told with its sense data', () => {
  const sense = fixedSense(SenseKey.illegalRequest, AdditionalSense.logicalUnitNotSupported);
  expect(describeAnswer(scsiResponse(ScsiStatus.checkCondition, sense))).toBe(
    'CHECK CONDITION, sense 05/25/00 illegalRequest, logicalUnitNotSupported',
  );
});

test.each([undefined, Buffer.of(0x70, 0, 5)])(
  'a CHECK CONDITION without whole sense data is told',
  (sense) => {
    expect(describeAnswer(scsiResponse(ScsiStatus.checkCondition, sense))).toBe(
      'CHECK CONDITION, without sense data',
    );
  },
);

test('a Data-In without data is told by its status', () => {
  const fields = { final: true, hasStatus: true, status: ScsiStatus.good };
  expect(describeAnswer(encodePdu('dataIn', fields, undefined, NO_DIGESTS))).toBe('GOOD');
});

test('a task management response that has no name is told by its number', () => {
  const wire = encodePdu('taskManagementResponse', { final: true, response: 255 }, undefined, NO_DIGESTS);
  expect(describeAnswer(wire)).toBe('task management response 255');
});
