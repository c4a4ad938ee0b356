import { expect, test } from 'vitest';
import { opcodeAt, RESERVED_TAG, u32At } from '../../../src/iscsi/bhs.ts';
import { decodeBhs } from '../../../src/iscsi/layouts.ts';
import { encodePdu, type Digests } from '../../../src/iscsi/pdu.ts';
import { describeDenied } from '../../../src/relay/access.ts';
import { inChunks } from '../../support/fuzz.ts';
import { expectProtocolError } from '../../support/protocolErrors.ts';
import { answerPing, cdb, lun, writeStream } from '../../support/refusals.ts';
import { Relayed, STAT_SN, TARGET_STAT_SN } from '../../support/relayed.ts';

const TAG = 7;
const COMMAND = { initiatorTaskTag: TAG, cmdSN: 40, expStatSN: STAT_SN };
const READ_ONLY = { mode: 'read-only' } as const;
const WRITE_PROTECTED = '700007000000000a000000002700';
const maxRecv = { initiator: 262144, target: 1024 * 1024 };

const LENGTHS = [0, 512, 64 * 1024, 1024 * 1024];
const DIGESTS: Digests[] = [
  { header: false, data: false },
  { header: true, data: false },
  { header: true, data: true },
];

const WRITES = LENGTHS.flatMap((immediate) =>
  LENGTHS.flatMap((unsolicited) => DIGESTS.map((digests) => ({ immediate, unsolicited, digests }))),
);

test.each(WRITES)(
  'a refused write leaves a NOP-Out and is answered: $immediate bytes immediate, $unsolicited unsolicited, $digests',
  ({ digests, ...data }) => {
    for (const chunk of [undefined, 1, 49, 4000]) {
      if (chunk === 1 && data.immediate + data.unsolicited > 1024) continue;
      const relayed = new Relayed({ access: READ_ONLY, digests, maxRecv });
      const wire = writeStream(COMMAND, data, digests);
      for (const piece of inChunks(wire, chunk === undefined ? [] : [chunk])) {
        relayed.relay.fromInitiator(Buffer.from(piece));
      }
      const [nopOut, ...more] = relayed.at('target');
      expect(more).toEqual([]);
      expect(opcodeAt(nopOut!.bhs, 0)).toBe(0x00);
      expect(decodeBhs('nopOut', nopOut!.bhs)).toMatchObject({
        immediate: false,
        initiatorTaskTag: TAG,
        targetTransferTag: RESERVED_TAG,
        cmdSN: 40,
        expStatSN: TARGET_STAT_SN,
        lun: Buffer.alloc(8),
      });
      expect(relayed.bytesAt('initiator')).toHaveLength(0);
      answerPing(relayed, TAG);
      const [response] = relayed.at('initiator');
      expect(decodeBhs('scsiResponse', response!.bhs)).toMatchObject({
        status: 2,
        response: 0,
        initiatorTaskTag: TAG,
        statSN: STAT_SN,
        expCmdSN: 40,
        maxCmdSN: 71,
        residualCount: data.immediate + data.unsolicited,
      });
      expect(response!.data.toString('hex', 2)).toContain(WRITE_PROTECTED);
    }
  },
);

/** A refused write with 16 KiB unsolicited data, all but the last Data-Out of it sent. */
function halfWritten(digests: Digests = DIGESTS[2]!): { relayed: Relayed; rest: Buffer } {
  const relayed = new Relayed({ access: READ_ONLY, digests });
  const wire = writeStream(COMMAND, { immediate: 512, unsolicited: 16384 }, digests);
  const last = encodePdu('dataOut', {}, Buffer.alloc(8192), digests).length;
  relayed.relay.fromInitiator(Buffer.from(wire.subarray(0, wire.length - last)));
  expect(relayed.at('target')).toHaveLength(1);
  return { relayed, rest: Buffer.from(wire.subarray(wire.length - last)) };
}

test('the answer waits for the end of the unsolicited data', () => {
  const { relayed, rest } = halfWritten();
  answerPing(relayed, TAG);
  expect(relayed.bytesAt('initiator')).toHaveLength(0);
  relayed.relay.fromInitiator(rest);
  expect(relayed.at('initiator').map(({ bhs }) => opcodeAt(bhs, 0))).toEqual([0x21]);
  expect(relayed.bytesAt('target')).toHaveLength(0);
});

test('the answer does not land inside a PDU that is being passed, and its number is the next', () => {
  const { relayed, rest } = halfWritten();
  answerPing(relayed, TAG);
  const dataIn = encodePdu(
    'dataIn',
    { initiatorTaskTag: 9, final: true, hasStatus: true, statSN: TARGET_STAT_SN + 1 },
    Buffer.alloc(4096, 0xdd),
    DIGESTS[2],
  );
  relayed.relay.fromTarget(Buffer.from(dataIn.subarray(0, 1000)));
  relayed.relay.fromInitiator(rest);
  relayed.relay.fromTarget(Buffer.from(dataIn.subarray(1000)));
  const seen = relayed.at('initiator').map(({ bhs }) => [opcodeAt(bhs, 0), u32At(bhs, 24)]);
  expect(seen).toEqual([
    [0x25, STAT_SN],
    [0x21, STAT_SN + 1],
  ]);
});

test('Data-Out of other tasks passes meanwhile, in its place', () => {
  const { relayed, rest } = halfWritten();
  relayed.request('dataOut', { initiatorTaskTag: 9, targetTransferTag: 5, final: true }, Buffer.from('mine'));
  relayed.relay.fromInitiator(rest);
  relayed.request('scsiCommand', { initiatorTaskTag: 10, final: true, cdb: cdb('28') });
  const seen = relayed
    .at('target')
    .map(({ bhs, data }) => [opcodeAt(bhs, 0), u32At(bhs, 16), data.toString()]);
  expect(seen).toEqual([
    [0x05, 9, 'mine'],
    [0x01, 10, ''],
  ]);
});

test('once the last Data-Out has come, Data-Out with that tag is nothing of ours', () => {
  const { relayed, rest } = halfWritten();
  relayed.relay.fromInitiator(rest);
  relayed.at('target');
  relayed.request('dataOut', { initiatorTaskTag: TAG, final: true });
  expect(relayed.at('target')).toHaveLength(1);
});

test('numbers are whole on both legs with refused and allowed commands mixed', () => {
  const relayed = new Relayed({ access: READ_ONLY, digests: DIGESTS[1]! });
  const cdbs = ['28', '2a', '28', '2a', '2a', '28'];
  for (const [i, hex] of cdbs.entries()) {
    relayed.request('scsiCommand', {
      final: true,
      initiatorTaskTag: i,
      cmdSN: 40 + i,
      expStatSN: STAT_SN,
      cdb: cdb(hex),
    });
  }
  const sent = relayed.at('target');
  expect(sent.map(({ bhs }) => u32At(bhs, 24))).toEqual([40, 41, 42, 43, 44, 45]);
  for (const [n, { bhs }] of sent.toReversed().entries()) {
    const initiatorTaskTag = u32At(bhs, 16);
    if (opcodeAt(bhs, 0) === 0x00) answerPing(relayed, initiatorTaskTag, n);
    else relayed.respond('scsiResponse', { final: true, initiatorTaskTag, statSN: TARGET_STAT_SN + n });
  }
  const answers = relayed.at('initiator');
  expect(answers.map(({ bhs }) => u32At(bhs, 24))).toEqual([0, 1, 2, 3, 4, 5].map((n) => STAT_SN + n));
  expect(answers.map(({ bhs }) => u32At(bhs, 16))).toEqual([5, 4, 3, 2, 1, 0]);
  relayed.request('nopOut', { immediate: true, final: true, initiatorTaskTag: 99, expStatSN: STAT_SN + 6 });
  expect(u32At(relayed.at('target')[0]!.bhs, 28)).toBe(TARGET_STAT_SN + 6);
});

test('a refused immediate command leaves an immediate NOP-Out', () => {
  const relayed = new Relayed({ access: READ_ONLY });
  relayed.request('scsiCommand', { ...COMMAND, immediate: true, final: true, cdb: cdb('2a') });
  expect(decodeBhs('nopOut', relayed.at('target')[0]!.bhs)).toMatchObject({ immediate: true, cmdSN: 40 });
});

test('a command beyond the window, whose NOP-Out the target ignores, is not answered either', () => {
  const relayed = new Relayed({ access: READ_ONLY });
  relayed.request('scsiCommand', { ...COMMAND, cmdSN: 4000, final: true, cdb: cdb('2a') });
  relayed.respond('nopIn', { initiatorTaskTag: RESERVED_TAG, statSN: TARGET_STAT_SN });
  expect(relayed.at('initiator').map(({ bhs }) => opcodeAt(bhs, 0))).toEqual([0x20]);
});

test('a refused command that the target rejects is shown as the initiator sent it, and its data is absorbed', () => {
  const { relayed, rest } = halfWritten();
  const nopOut = encodePdu('nopOut', { initiatorTaskTag: TAG, cmdSN: 40 });
  relayed.respond('reject', { final: true, reason: 6, statSN: TARGET_STAT_SN }, nopOut);
  const [reject] = relayed.at('initiator');
  expect(opcodeAt(reject!.data, 0)).toBe(0x01);
  expect(u32At(reject!.data, 28)).toBe(STAT_SN);
  relayed.relay.fromInitiator(rest);
  expect(relayed.bytesAt('target')).toHaveLength(0);
  expect(relayed.bytesAt('initiator')).toHaveLength(0);
});

test('what the initiator says of StatSN in absorbed data is heard', () => {
  const { relayed } = halfWritten();
  relayed.request('dataOut', { initiatorTaskTag: TAG, final: true, expStatSN: STAT_SN + 5 });
  const rejected = encodePdu('scsiCommand', { initiatorTaskTag: 9 });
  relayed.respond('reject', { final: true, reason: 9, statSN: TARGET_STAT_SN }, rejected);
  expect(u32At(relayed.at('initiator')[0]!.data, 28)).toBe(STAT_SN + 5);
});

test('what was denied is told in words and in fields: by which rule, why, which command, which LUN', () => {
  const relayed = new Relayed({ access: { luns: [0], mode: 'read-only' } });
  relayed.request('scsiCommand', { ...COMMAND, final: true, cdb: cdb('2a') });
  relayed.request('scsiCommand', {
    ...COMMAND,
    initiatorTaskTag: 8,
    final: true,
    cdb: cdb('00'),
    lun: lun('4005'),
  });
  relayed.request('taskManagementRequest', { ...COMMAND, initiatorTaskTag: 9, function: 6 });
  relayed.request('scsiCommand', {
    ...COMMAND,
    initiatorTaskTag: 10,
    final: true,
    cdb: cdb('00'),
    lun: lun('80'),
  });
  const decided = { enforced: true, rule: 'db1', location: 'gateway.yaml:17:9' };
  expect(relayed.denied).toMatchObject([
    { ...decided, kind: 'write-protected', command: { operationCode: 0x2a }, lun: 0 },
    { ...decided, kind: 'hidden-lun', command: { operationCode: 0 }, lun: 5 },
    { ...decided, kind: 'not-supported', taskFunction: 6, lun: 0 },
    { ...decided, kind: 'hidden-lun', command: { operationCode: 0 }, lun: '8000000000000000' },
  ]);
  expect(relayed.denied.map(describeDenied)).toEqual([
    'WRITE (10) 2Ah on LUN 0: write-protected',
    'TEST UNIT READY 00h on LUN 5: hidden-lun',
    'TARGET WARM RESET on LUN 0: not-supported',
    'TEST UNIT READY 00h on LUN 8000000000000000: hidden-lun',
  ]);
});

test.each([
  ['9e11', 'READ LONG (16) 9Eh/11h'],
  ['9e1f', '9Eh/1Fh'],
  ['7f00000000000018000b', 'WRITE (32) 7Fh/0Bh'],
  ['c0', 'C0h'],
])('a denied command %s is called as explain calls it: %s', (code, name) => {
  const relayed = new Relayed({ access: { luns: [0] } });
  relayed.request('scsiCommand', { ...COMMAND, final: true, lun: lun('0002'), cdb: cdb(code) });
  expect(relayed.denied.map(describeDenied)).toEqual([`${name} on LUN 2: hidden-lun`]);
});

test.each(['28', '2a'])('a task tag that waits for its answer may not begin another command (%s)', (hex) => {
  const relayed = new Relayed({ access: READ_ONLY });
  relayed.request('scsiCommand', { ...COMMAND, final: true, cdb: cdb('2a') });
  expectProtocolError('bad_sequence', () =>
    relayed.request('scsiCommand', { ...COMMAND, final: true, cdb: cdb(hex) }),
  );
});

test('INQUIRY at a hidden LUN is answered by Data-In with the status in it', () => {
  const relayed = new Relayed({ access: { luns: [0] }, digests: DIGESTS[2]! });
  relayed.request('scsiCommand', {
    ...COMMAND,
    final: true,
    read: true,
    expectedDataTransferLength: 96,
    lun: lun('0005'),
    cdb: cdb('120000006000'),
  });
  expect(opcodeAt(relayed.at('target')[0]!.bhs, 0)).toBe(0x00);
  answerPing(relayed, TAG);
  const [pdu] = relayed.at('initiator');
  expect(opcodeAt(pdu!.bhs, 0)).toBe(0x25);
  expect(decodeBhs('dataIn', pdu!.bhs)).toMatchObject({ statSN: STAT_SN, expCmdSN: 40, residualCount: 60 });
  expect(pdu!.data[0]).toBe(0x7f);
});
