import { expect, test } from 'vitest';
import { opcodeAt, u32At } from '../../../src/iscsi/bhs.ts';
import { encodeBhs, type PduFields } from '../../../src/iscsi/layouts.ts';
import { encodePdu, NO_DIGESTS, wirePdu } from '../../../src/iscsi/pdu.ts';
import { TaskFunction } from '../../../src/iscsi/taskManagement.ts';
import type { AccessRule } from '../../../src/policy/rules.ts';
import { inChunks } from '../../support/fuzz.ts';
import { expectProtocolError } from '../../support/protocolErrors.ts';
import { answerPing, cdb, lun } from '../../support/refusals.ts';
import { Relayed, TARGET_STAT_SN } from '../../support/relayed.ts';

const TAG = 7;
const READ_ONLY = { mode: 'read-only' } as const;
const MASKED = { luns: [0, 1] };
const BOTH = { header: true, data: true };
const LIST = Buffer.from(
  `0000002000000000${['0000', '0001', '0005', '4006'].map((hex) => hex.padEnd(16, '0')).join('')}`,
  'hex',
);
const VISIBLE = '000000100000000000000000000000000001000000000000';

/** What reaches the target of a command, by opcode; and the sense that comes back, if it was refused. */
function tried(
  access: Partial<AccessRule>,
  fields: Partial<PduFields<'scsiCommand'>>,
): { readonly reached: number[]; readonly sense: string | undefined } {
  const relayed = new Relayed({ access });
  relayed.request('scsiCommand', { initiatorTaskTag: TAG, final: true, ...fields });
  const reached = relayed.at('target').map(({ bhs }) => opcodeAt(bhs, 0));
  if (reached[0] !== 0x00) return { reached, sense: undefined };
  answerPing(relayed, TAG);
  const { data } = relayed.at('initiator')[0]!;
  return { reached, sense: Buffer.from([data[4]!, data[14]!, data[15]!]).toString('hex') };
}

const REFUSED_HIDDEN = { reached: [0x00], sense: '052500' };
const REFUSED_READ_ONLY = { reached: [0x00], sense: '072700' };

test.each([
  '0005',
  '4005',
  '0105',
  '8005',
  'd200000500000000',
  '0005000100000000',
  '4005000000000001',
  'c101',
])('a hidden LUN cannot be reached by another form of its number: %s', (alias) => {
  expect(tried(MASKED, { lun: lun(alias), cdb: cdb('2a') })).toEqual(REFUSED_HIDDEN);
});

test.each(['0001', '4001'])('a LUN that is there can be reached by either form: %s', (alias) => {
  expect(tried(MASKED, { lun: lun(alias), cdb: cdb('28') }).reached).toEqual([0x01]);
});

test.each([
  ['R', { read: true }],
  ['neither R nor W', {}],
  ['both', { read: true, write: true }],
  ['no expected data', { write: true, expectedDataTransferLength: 0 }],
])('a write that says of itself that it is a read is a write: %s', (_, bits) => {
  expect(tried(READ_ONLY, { expectedDataTransferLength: 512, ...bits, cdb: cdb('2a') })).toEqual(
    REFUSED_READ_ONLY,
  );
});

test('a read that says of itself that it is a write is a read', () => {
  expect(tried(READ_ONLY, { write: true, cdb: cdb('28') }).reached).toEqual([0x01]);
});

test('a WRITE (32) is known by its service action, whatever stands in the additional header', () => {
  const relayed = new Relayed({ access: READ_ONLY, digests: BOTH });
  const extended = Buffer.from(`0011010000${'00'.repeat(15)}`, 'hex'); // type 1: the rest of the CDB
  extended.fill(0x09, 5);
  const command = encodeBhs('scsiCommand', {
    final: true,
    initiatorTaskTag: TAG,
    cdb: cdb('7f00000000000018000b'),
  });
  for (const piece of inChunks(wirePdu(command, extended, Buffer.from('data'), BOTH), [5])) {
    relayed.relay.fromInitiator(Buffer.from(piece));
  }
  const [nopOut, ...more] = relayed.at('target');
  expect(opcodeAt(nopOut!.bhs, 0)).toBe(0x00);
  expect(nopOut!.ahs).toHaveLength(0);
  expect(more).toEqual([]);
});

test('a READ (32) passes with its additional header', () => {
  const relayed = new Relayed({ access: READ_ONLY });
  const ahs = Buffer.from(`0011010000${'00'.repeat(15)}`, 'hex');
  const command = encodeBhs('scsiCommand', { initiatorTaskTag: TAG, cdb: cdb('7f000000000000180009') });
  relayed.relay.fromInitiator(wirePdu(command, ahs, Buffer.alloc(0), NO_DIGESTS));
  expect(relayed.at('target')[0]!.ahs.equals(ahs)).toBe(true);
});

test.each([
  ['EXTENDED COPY', '83'],
  ['POPULATE TOKEN', '8310'],
  ['WRITE USING TOKEN', '8311'],
  ['COPY', '18'],
  ['COPY AND VERIFY', '3a'],
])('no third-party copy reaches a LUN in the initiator’s place: %s', (_, hex) => {
  expect(tried(MASKED, { cdb: cdb(hex) })).toEqual({ reached: [0x00], sense: '052000' });
  expect(tried(READ_ONLY, { cdb: cdb(hex) })).toEqual(REFUSED_READ_ONLY);
});

test.each([
  ['ATA PASS-THROUGH (16)', '85'],
  ['ATA PASS-THROUGH (12)', 'a1'],
  ['an extended CDB', '7e'],
  ['a vendor’s command', 'c1'],
  ['a command of another device type', 'be'],
])('a command that wraps another one is not looked into, it is refused: %s', (_, hex) => {
  expect(tried({}, { cdb: cdb(hex) }).reached).toEqual([0x00]);
});

test('a header in single bytes, its digest too, is judged like a whole one', () => {
  const relayed = new Relayed({ access: READ_ONLY, digests: BOTH });
  const wire = encodePdu(
    'scsiCommand',
    { initiatorTaskTag: TAG, final: true, cdb: cdb('2a') },
    Buffer.from('secret payload'),
    BOTH,
  );
  for (const byte of wire) relayed.relay.fromInitiator(Buffer.from([byte]));
  const reached = relayed.bytesAt('target');
  expect(reached).toHaveLength(52);
  expect(reached[0]).toBe(0x00);
});

test('a header whose digest is wrong is not judged, and ends the session', () => {
  const relayed = new Relayed({ access: READ_ONLY, digests: BOTH });
  const wire = encodePdu('scsiCommand', { final: true, cdb: cdb('28') }, undefined, BOTH);
  wire[32] = 0x2a;
  expectProtocolError('header_digest', () => relayed.relay.fromInitiator(wire));
  expect(relayed.bytesAt('target')).toHaveLength(0);
});

test.each(['0000', '4000', 'c101'])(
  'REPORT LUNS shows no hidden LUN, at whatever LUN it is asked: %s',
  (at) => {
    for (const selectReport of ['00', '01', '02', '10', 'ff']) {
      const relayed = new Relayed({ access: MASKED, digests: BOTH });
      relayed.request('scsiCommand', {
        initiatorTaskTag: TAG,
        final: true,
        read: true,
        lun: lun(at),
        expectedDataTransferLength: 64,
        cdb: cdb(`a000${selectReport}00000000000040`),
      });
      expect(relayed.at('target').map(({ bhs }) => opcodeAt(bhs, 0))).toEqual([0x01]);
      relayed.respond(
        'dataIn',
        { initiatorTaskTag: TAG, final: true, hasStatus: true, statSN: TARGET_STAT_SN },
        LIST,
      );
      expect(relayed.at('initiator')[0]!.data.toString('hex')).toBe(VISIBLE);
    }
  },
);

const reportLuns = { initiatorTaskTag: TAG, final: true, read: true, cdb: cdb('a0') };
const lists = (relayed: Relayed) => {
  const fields = { initiatorTaskTag: TAG, final: true, hasStatus: true, statSN: TARGET_STAT_SN };
  relayed.respond('dataIn', fields, LIST);
  return relayed.at('initiator')[0]!.data.toString('hex');
};

test('a second command under the tag of a REPORT LUNS does not free its answer from the filter', () => {
  for (const other of ['00', '2a', 'a0', '04']) {
    const relayed = new Relayed({ access: MASKED });
    relayed.request('scsiCommand', reportLuns);
    expectProtocolError('bad_sequence', () =>
      relayed.request('scsiCommand', { initiatorTaskTag: TAG, cdb: cdb(other) }),
    );
    expect(lists(relayed)).toBe(VISIBLE);
  }
});

test('a REPORT LUNS under the tag of a command under way is refused: that one’s status would end the filter', () => {
  const relayed = new Relayed({ access: MASKED });
  relayed.request('scsiCommand', { initiatorTaskTag: TAG, final: true, cdb: cdb('00') });
  expectProtocolError('bad_sequence', () => relayed.request('scsiCommand', reportLuns));
});

test.each([
  ['of the wrong LUN', 'abortTask', '0001', 0],
  ['that finds no task', 'abortTask', '0000', 1],
  ['that is not supported', 'logicalUnitReset', '0000', 5],
  ['that only asks', 'queryTask', '0000', 0],
] as const)('task management %s does not free the answer of a REPORT LUNS', (_, name, at, response) => {
  const relayed = new Relayed({ access: MASKED });
  relayed.request('scsiCommand', reportLuns);
  relayed.request('taskManagementRequest', {
    initiatorTaskTag: 8,
    function: TaskFunction[name],
    lun: lun(at),
    referencedTaskTag: TAG,
  });
  relayed.respond('taskManagementResponse', { initiatorTaskTag: 8, response, statSN: TARGET_STAT_SN });
  relayed.at('initiator');
  expectProtocolError('bad_sequence', () =>
    relayed.request('scsiCommand', { initiatorTaskTag: TAG, cdb: cdb('00') }),
  );
  expect(lists(relayed)).toBe(VISIBLE);
});

test('after a reset that is done the tag is free, and so is the initiator’s next command', () => {
  const relayed = new Relayed({ access: MASKED });
  relayed.request('scsiCommand', reportLuns);
  relayed.request('taskManagementRequest', { initiatorTaskTag: 8, function: TaskFunction.logicalUnitReset });
  relayed.respond('taskManagementResponse', { initiatorTaskTag: 8, response: 0, statSN: TARGET_STAT_SN });
  relayed.request('scsiCommand', { initiatorTaskTag: TAG, cdb: cdb('28') });
  relayed.at('initiator');
  relayed.respond('dataIn', { initiatorTaskTag: TAG, hasStatus: true, statSN: TARGET_STAT_SN + 1 }, LIST);
  expect(relayed.at('initiator')[0]!.data.equals(LIST)).toBe(true);
});

test('Data-Out does not reach the target under the tag of a refused write, whatever LUN or transfer tag it names', () => {
  const relayed = new Relayed({ access: READ_ONLY });
  relayed.request('scsiCommand', { initiatorTaskTag: TAG, write: true, cdb: cdb('2a') });
  relayed.at('target');
  for (const targetTransferTag of [0xffffffff, 0, 77]) {
    const fields = { initiatorTaskTag: TAG, targetTransferTag, lun: lun('0001') };
    relayed.request('dataOut', fields, Buffer.alloc(512, 0xee));
  }
  expect(relayed.bytesAt('target')).toHaveLength(0);
});

test.each([
  ['resets the logical unit', 'logicalUnitReset'],
  ['clears the task set', 'clearTaskSet'],
  ['aborts the task set', 'abortTaskSet'],
] as const)('task management that %s does not reach a hidden LUN, by no form of its number', (_, name) => {
  for (const alias of ['0005', '4005', '8005', 'c101']) {
    const relayed = new Relayed({ access: MASKED });
    relayed.request('taskManagementRequest', { function: TaskFunction[name], lun: lun(alias) });
    expect(relayed.at('target').map(({ bhs }) => opcodeAt(bhs, 0))).toEqual([0x00]);
  }
});

test.each(['targetWarmReset', 'targetColdReset'] as const)(
  'a %s, which reaches everybody, does not reach the target, even with all LUNs there',
  (name) => {
    const relayed = new Relayed();
    relayed.request('taskManagementRequest', { function: TaskFunction[name], initiatorTaskTag: 8 });
    answerPing(relayed, 8);
    expect(relayed.at('target').map(({ bhs }) => opcodeAt(bhs, 0))).toEqual([0x00]);
    expect(relayed.at('initiator').map(({ bhs }) => [opcodeAt(bhs, 0), u32At(bhs, 16), bhs[2]])).toEqual([
      [0x22, 8, 5],
    ]);
  },
);

test('a disk that may only be read says so in MODE SENSE', () => {
  const relayed = new Relayed({ access: READ_ONLY, digests: BOTH });
  relayed.request('scsiCommand', { initiatorTaskTag: TAG, read: true, cdb: cdb('1a003f00c0') });
  const fields = { initiatorTaskTag: TAG, final: true, statSN: TARGET_STAT_SN };
  relayed.respond('dataIn', { ...fields, hasStatus: true }, Buffer.from('43000008', 'hex'));
  expect(relayed.at('initiator')[0]!.data.toString('hex')).toBe('43008008');
});
