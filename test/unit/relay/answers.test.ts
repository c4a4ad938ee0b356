import { expect, test } from 'vitest';
import { decodeBhs, encodeBhs, type PduFields } from '../../../src/iscsi/layouts.ts';
import { Opcode } from '../../../src/iscsi/opcode.ts';
import { parseWirePdu, type Pdu } from '../../../src/iscsi/pdu.ts';
import { TaskFunction } from '../../../src/iscsi/taskManagement.ts';
import type { Denial } from '../../../src/policy/commandPolicy.ts';
import { refusedCommand, refusedTaskManagement } from '../../../src/relay/answers.ts';
import type { Answer } from '../../../src/relay/substitution.ts';

const NUMBERS = { statSN: 5, expCmdSN: 6, maxCmdSN: 7 };
const DIGESTS = { header: true, data: true };

const cdb = (hex: string) => Buffer.from(hex.padEnd(32, '0'), 'hex');
const written = (answer: Answer): Pdu => parseWirePdu(answer(NUMBERS, DIGESTS), DIGESTS);

function answerTo(fields: Partial<PduFields<'scsiCommand'>>, denial: Denial): Pdu {
  return written(refusedCommand(encodeBhs('scsiCommand', { initiatorTaskTag: 9, ...fields }), denial));
}

function inquiry(allocationLength: number, expectedDataTransferLength: number, more = {}): Pdu {
  const command = cdb('12');
  command.writeUInt16BE(allocationLength, 3);
  return answerTo({ read: true, expectedDataTransferLength, cdb: command, ...more }, 'hidden-lun');
}

test.each([
  ['hidden-lun', '052500'],
  ['write-protected', '072700'],
  ['not-supported', '052000'],
] as const)('%s is CHECK CONDITION with sense %s', (denial, sense) => {
  const { bhs, data } = answerTo({ cdb: cdb('2a'), write: true, expectedDataTransferLength: 512 }, denial);
  expect(bhs[0]).toBe(Opcode.scsiResponse);
  expect(decodeBhs('scsiResponse', bhs)).toMatchObject({
    final: true,
    response: 0,
    status: 2,
    initiatorTaskTag: 9,
    underflow: true,
    overflow: false,
    residualCount: 512,
    ...NUMBERS,
  });
  expect(data.readUInt16BE(0)).toBe(data.length - 2);
  expect(data[2]).toBe(0x70);
  expect(Buffer.from([data[4]!, data[14]!, data[15]!]).toString('hex')).toBe(sense);
});

test('where no data was expected, none is left', () => {
  const { bhs } = answerTo({ cdb: cdb('35') }, 'hidden-lun');
  expect(decodeBhs('scsiResponse', bhs)).toMatchObject({ underflow: false, residualCount: 0 });
});

test.each([
  ['both as long as the data', 36, 36, 36, {}],
  ['a larger allocation length', 255, 36, 36, {}],
  ['a larger expected length', 36, 96, 36, { underflow: true, residualCount: 60 }],
  ['a smaller allocation length', 5, 36, 5, { underflow: true, residualCount: 31 }],
  ['a smaller expected length', 36, 5, 5, { overflow: true, residualCount: 31 }],
  ['both smaller', 8, 5, 5, { overflow: true, residualCount: 3 }],
])('INQUIRY at a hidden LUN says that nothing is there: %s', (_, allocation, expected, length, left) => {
  const { bhs, data } = inquiry(allocation, expected);
  expect(bhs[0]).toBe(Opcode.dataIn);
  expect(decodeBhs('dataIn', bhs)).toMatchObject({
    final: true,
    hasStatus: true,
    status: 0,
    initiatorTaskTag: 9,
    targetTransferTag: 0xffffffff,
    dataSN: 0,
    bufferOffset: 0,
    underflow: false,
    overflow: false,
    residualCount: 0,
    ...NUMBERS,
    ...left,
  });
  expect(data).toHaveLength(length);
  expect(data[0]).toBe(0x7f);
});

test.each([
  ['allocation length 0', 0, 36, { underflow: true, residualCount: 36 }],
  ['expected length 0', 36, 0, { overflow: true, residualCount: 36 }],
  ['both 0', 0, 0, { underflow: false, overflow: false, residualCount: 0 }],
])('INQUIRY with no room for data is GOOD all the same: %s', (_, allocation, expected, left) => {
  const { bhs, data } = inquiry(allocation, expected);
  expect(bhs[0]).toBe(Opcode.scsiResponse);
  expect(decodeBhs('scsiResponse', bhs)).toMatchObject({ response: 0, status: 0, ...left });
  expect(data).toHaveLength(0);
});

test.each([
  ['without R', { read: false }],
  ['with W as well', { write: true }],
  ['for vital product data', { cdb: cdb('1201800024') }],
  ['with a page code', { cdb: cdb('1200800024') }],
])('an INQUIRY %s gets sense data, no more bytes than any command', (_, more) => {
  expect(inquiry(36, 36, more).bhs[0]).toBe(Opcode.scsiResponse);
});

test('an INQUIRY that is refused for something else than its LUN is not told that nothing is there', () => {
  const { bhs } = answerTo(
    { read: true, expectedDataTransferLength: 36, cdb: cdb('1200000024') },
    'not-supported',
  );
  expect(decodeBhs('scsiResponse', bhs).status).toBe(2);
});

test.each([
  ['abortTask', 'hidden-lun', false, 1],
  ['abortTask', 'hidden-lun', true, 0],
  ['logicalUnitReset', 'hidden-lun', false, 2],
  ['clearTaskSet', 'hidden-lun', false, 2],
  ['targetWarmReset', 'not-supported', false, 5],
] as const)('%s, %s, with a refused task aborted %s: response %i', (name, denial, hasAborted, response) => {
  const request = encodeBhs('taskManagementRequest', { function: TaskFunction[name], initiatorTaskTag: 9 });
  const { bhs } = written(refusedTaskManagement(request, denial, hasAborted));
  expect(bhs[0]).toBe(Opcode.taskManagementResponse);
  expect(decodeBhs('taskManagementResponse', bhs)).toMatchObject({
    final: true,
    response,
    initiatorTaskTag: 9,
    ...NUMBERS,
  });
});
