import { expect, test } from 'vitest';
import { RESERVED_TAG } from '../../../src/iscsi/bhs.ts';
import type { PduFields } from '../../../src/iscsi/layouts.ts';
import { encodeLun } from '../../../src/iscsi/lun.ts';
import type { NegotiatedParameters } from '../../../src/login/negotiation.ts';
import { TargetTask } from '../../../src/target/targetTask.ts';
import { pattern } from './disk.ts';
import { cdb10, PARAMETERS, pdu } from './targetConversation.ts';

const BLOCKS = 40;
const DATA = pattern(BLOCKS * 512);

/** WRITE(10) of 40 blocks, which take one first burst of 4 KiB and then solicited ones of 16 KiB at most. */
function writeTask(
  fields: Partial<PduFields<'scsiCommand'>> = {},
  immediate: Buffer = Buffer.alloc(0),
  parameters: Partial<NegotiatedParameters> = {},
): TargetTask {
  const cdb = Buffer.concat([cdb10(0x2a, 0, BLOCKS), Buffer.alloc(6)]);
  const command = { final: true, write: true, expectedDataTransferLength: DATA.length, cdb, ...fields };
  return new TargetTask(pdu('scsiCommand', command, immediate), { ...PARAMETERS, ...parameters });
}

function dataOut(task: TargetTask, from: number, to: number, fields: Partial<PduFields<'dataOut'>> = {}) {
  const asked = { targetTransferTag: RESERVED_TAG, bufferOffset: from };
  task.dataOut(pdu('dataOut', { ...asked, ...fields }, DATA.subarray(from, to)));
}

test('a write whose data all came with it is complete', () => {
  const task = writeTask({}, DATA, { firstBurstLength: 65536, maxBurstLength: 65536 });
  expect([task.isComplete, task.takeData().equals(DATA)]).toEqual([true, true]);
});

test('data that came with the command, unasked and asked for makes one whole', () => {
  const task = writeTask({ final: false }, DATA.subarray(0, 1000));
  expect([task.isReceiving, task.isUnsolicited]).toEqual([true, true]);
  dataOut(task, 1000, 2000, { dataSN: 0 });
  dataOut(task, 2000, 4096, { dataSN: 1, final: true });
  expect([task.isReceiving, task.isComplete]).toEqual([false, false]);

  expect(task.solicit(7)).toEqual({
    targetTransferTag: 7,
    r2tSN: 0,
    bufferOffset: 4096,
    desiredDataTransferLength: 16384,
  });
  expect([task.isReceiving, task.isUnsolicited]).toEqual([true, false]);
  dataOut(task, 4096, 12000, { targetTransferTag: 7, dataSN: 0 });
  dataOut(task, 12000, 20480, { targetTransferTag: 7, dataSN: 1, final: true });

  expect(task.isComplete).toBe(true);
  expect(task.takeData().equals(DATA)).toBe(true);
});

test('a burst that ends early is followed by one that asks for the rest, with the next R2TSN', () => {
  const task = writeTask();
  task.solicit(1);
  dataOut(task, 0, 512, { targetTransferTag: 1, final: true });
  expect(task.solicit(2)).toMatchObject({ r2tSN: 1, bufferOffset: 512, desiredDataTransferLength: 16384 });
});

test('the last burst asks for no more than is left', () => {
  const task = writeTask();
  task.solicit(1);
  dataOut(task, 0, 16384, { targetTransferTag: 1, final: true });
  expect(task.solicit(2)).toMatchObject({ bufferOffset: 16384, desiredDataTransferLength: 4096 });
});

test.each<[string, Partial<PduFields<'dataOut'>>]>([
  ['has another transfer tag', { targetTransferTag: 9 }],
  ['skips a DataSN', { dataSN: 1 }],
  ['leaves a gap', { bufferOffset: 512 }],
])('a Data-Out that %s is refused', (_what, fields) => {
  const task = writeTask();
  task.solicit(1);
  expect(() => dataOut(task, 0, 512, { targetTransferTag: 1, ...fields })).toThrow(/Data-Out/);
});

test('a Data-Out that goes beyond its burst is refused', () => {
  const task = writeTask();
  task.solicit(1);
  expect(() => dataOut(task, 0, 16388, { targetTransferTag: 1 })).toThrow(/beyond what was asked for/);
});

test('unsolicited data beyond FirstBurstLength is refused', () => {
  const task = writeTask({ final: false }, DATA.subarray(0, 4000));
  expect(() => dataOut(task, 4000, 4100)).toThrow(/beyond/);
});

test.each<[string, Partial<PduFields<'scsiCommand'>>, number, Partial<NegotiatedParameters>]>([
  ['where ImmediateData=No', {}, 4, { immediateData: false }],
  ['beyond FirstBurstLength', {}, 4100, {}],
  ['beyond what it announces', { expectedDataTransferLength: 512 }, 516, {}],
  ['without the W flag', { write: false }, 4, {}],
])('a command with immediate data %s is refused', (_where, fields, length, parameters) => {
  expect(() => writeTask(fields, DATA.subarray(0, length), parameters)).toThrow(/immediate data/);
});

test('unsolicited data may not be announced where InitialR2T=Yes', () => {
  expect(() => writeTask({ final: false }, undefined, { initialR2T: true })).toThrow(/InitialR2T/);
});

test('what the initiator sends beyond the need of the CDB is dropped', () => {
  const cdb = Buffer.concat([cdb10(0x2a, 0, 1), Buffer.alloc(6)]);
  const task = writeTask({ cdb, final: false }, DATA.subarray(0, 400));
  dataOut(task, 400, 600, { dataSN: 0 });
  dataOut(task, 600, 4096, { dataSN: 1, final: true });
  expect([task.isComplete, task.wanted]).toEqual([true, 512]);
  expect(task.takeData().equals(DATA.subarray(0, 512))).toBe(true);
});

test('a write that announces less than its CDB needs wants no more than that', () => {
  const task = writeTask({ expectedDataTransferLength: 1024 });
  expect([task.needed, task.wanted]).toEqual([DATA.length, 1024]);
  expect(task.solicit(1).desiredDataTransferLength).toBe(1024);
});

test('one byte of data keeps one byte of memory, not the chunk that it came in', () => {
  const chunk = Buffer.alloc(65536);
  const command = { final: true, write: true, expectedDataTransferLength: 512, cdb: writeTask().command.cdb };
  const { bhs, ahs } = pdu('scsiCommand', command);
  const task = new TargetTask({ bhs, ahs, data: chunk.subarray(0, 1) }, PARAMETERS);
  expect(task.takeData().buffer).not.toBe(chunk.buffer);
});

test('an aborted task keeps no data', () => {
  const task = writeTask({}, DATA.subarray(0, 4096));
  task.abort();
  expect([task.isAborted, task.takeData().length]).toEqual([true, 0]);
});

test.each([
  ['a read', 0x28, 8192, 8192],
  ['a write that announces less', 0x2a, 1024, 1024],
  ['a read that announces nothing', 0x28, 0, 8192],
])('%s holds what it moves', (_what, operationCode, expectedDataTransferLength, held) => {
  const cdb = Buffer.concat([cdb10(operationCode, 0, 16), Buffer.alloc(6)]);
  expect(writeTask({ cdb, expectedDataTransferLength }).held).toBe(held);
});

test('a LUN of a form that is not known is a LUN that is not there', () => {
  expect(writeTask({ lun: Buffer.from('ff00000000000000', 'hex') }).lun).toBeUndefined();
  expect(writeTask({ lun: encodeLun(5) }).lun).toBe(5);
});
