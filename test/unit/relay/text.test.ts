import { expect, test } from 'vitest';
import { opcodeAt, RESERVED_TAG } from '../../../src/iscsi/bhs.ts';
import { decodeBhs, type PduFields } from '../../../src/iscsi/layouts.ts';
import { encodePdu } from '../../../src/iscsi/pdu.ts';
import { describeDenied } from '../../../src/relay/access.ts';
import { DISK } from '../../support/initiatorRule.ts';
import { expectProtocolError } from '../../support/protocolErrors.ts';
import { Relayed, STAT_SN, TARGET_STAT_SN } from '../../support/relayed.ts';

const DIGESTS = { header: true, data: true };
const TAG = 7;
const OWN = `TargetName=${DISK}\0TargetAddress=192.0.2.1:3260,1\0`;

function ask(relayed: Relayed, text: string, fields: Partial<PduFields<'textRequest'>> = {}): void {
  relayed.request(
    'textRequest',
    {
      final: true,
      initiatorTaskTag: TAG,
      targetTransferTag: RESERVED_TAG,
      cmdSN: 3,
      expStatSN: STAT_SN,
      ...fields,
    },
    Buffer.from(text),
  );
}

function answerPing(relayed: Relayed, initiatorTaskTag = TAG, statSN = TARGET_STAT_SN): void {
  relayed.respond('nopIn', {
    final: true,
    initiatorTaskTag,
    targetTransferTag: RESERVED_TAG,
    statSN,
    expCmdSN: 4,
    maxCmdSN: 35,
  });
}

test.each([
  ['SendTargets=\0', OWN],
  [`SendTargets=${DISK}\0`, OWN],
  ['SendTargets=iqn.2001-05.com.equallogic:disk-db2\0', ''],
  ['SendTargets=All\0', 'SendTargets=Reject\0'],
  ['X-com.example=1\0', 'X-com.example=NotUnderstood\0'],
  ['InitiatorName=iqn.1993-08.org.debian:01:db2\0', 'InitiatorName=Reject\0'],
  [
    'MaxRecvDataSegmentLength=512\0MaxBurstLength=512\0',
    'MaxRecvDataSegmentLength=Reject\0MaxBurstLength=Reject\0',
  ],
  ['', ''],
])('%j is answered %j, and the target sees a NOP-Out', (text, answer) => {
  const relayed = new Relayed({ digests: DIGESTS });
  ask(relayed, text);
  const [nopOut] = relayed.at('target');
  expect(opcodeAt(nopOut!.bhs, 0)).toBe(0x00);
  expect(nopOut!.data).toHaveLength(0);
  expect(decodeBhs('nopOut', nopOut!.bhs)).toMatchObject({
    immediate: false,
    initiatorTaskTag: TAG,
    targetTransferTag: RESERVED_TAG,
    cmdSN: 3,
    expStatSN: TARGET_STAT_SN,
  });
  expect(relayed.bytesAt('initiator')).toHaveLength(0);
  answerPing(relayed);
  const [response] = relayed.at('initiator');
  expect(opcodeAt(response!.bhs, 0)).toBe(0x24);
  expect(decodeBhs('textResponse', response!.bhs)).toMatchObject({
    final: true,
    initiatorTaskTag: TAG,
    targetTransferTag: RESERVED_TAG,
    statSN: STAT_SN,
    expCmdSN: 4,
    maxCmdSN: 35,
  });
  expect(response!.data.toString()).toBe(answer);
});

test("the initiator's own pings stay pings, before and after", () => {
  const relayed = new Relayed();
  ask(relayed, 'SendTargets=\0');
  answerPing(relayed, 8);
  answerPing(relayed, TAG, TARGET_STAT_SN + 1);
  answerPing(relayed, TAG, TARGET_STAT_SN + 2);
  const seen = relayed.at('initiator').map(({ bhs }) => [opcodeAt(bhs, 0), bhs.readUInt32BE(24)]);
  expect(seen).toEqual([
    [0x20, STAT_SN],
    [0x24, STAT_SN + 1],
    [0x20, STAT_SN + 2],
  ]);
});

test('what stands around a Text Request keeps its order', () => {
  const relayed = new Relayed();
  const fields = { final: true, targetTransferTag: RESERVED_TAG };
  relayed.relay.fromInitiator(
    Buffer.concat([
      encodePdu('scsiCommand', { final: true, initiatorTaskTag: 1 }),
      encodePdu('textRequest', { ...fields, initiatorTaskTag: 2 }, Buffer.from('SendTargets=\0')),
      encodePdu('scsiCommand', { final: true, initiatorTaskTag: 3 }, Buffer.from('data')),
    ]),
  );
  const seen = relayed.at('target').map(({ bhs }) => [opcodeAt(bhs, 0), bhs.readUInt32BE(16)]);
  expect(seen).toEqual([
    [0x01, 1],
    [0x00, 2],
    [0x01, 3],
  ]);
});

test.each([
  ['continues', { final: false, continues: true }],
  ['is not final', { final: false }],
  ['goes on with an answer', { targetTransferTag: 1 }],
])('a Text Request that %s ends the session', (_, fields) => {
  expectProtocolError('bad_flags', () => ask(new Relayed(), 'SendTargets=\0', fields));
});

test.each([
  ['bad_text', 'SendTargets'],
  ['duplicate_key', 'SendTargets=\0SendTargets=\0'],
  ['bad_value', 'MaxRecvDataSegmentLength=511\0'],
  ['bad_value', 'MaxRecvDataSegmentLength=\0'],
] as const)('broken text ends the session: %s, %j', (code, text) => {
  const relayed = new Relayed();
  expectProtocolError(code, () => ask(relayed, text));
  expect(relayed.bytesAt('target')).toHaveLength(0);
});

test('Text whose data digest is wrong ends the session: it is read here', () => {
  const relayed = new Relayed({ digests: DIGESTS });
  const fields = { final: true, targetTransferTag: RESERVED_TAG };
  const wire = encodePdu('textRequest', fields, Buffer.from('SendTargets=\0'), DIGESTS);
  wire[wire.length - 1]! ^= 1;
  expectProtocolError('data_digest', () => relayed.relay.fromInitiator(wire));
});

test('an answer that does not fit into one PDU ends the session', () => {
  const maxRecv = { initiator: 512, target: 8192 };
  const keys = Array.from({ length: 40 }, (_, i) => `X${i}=\0`).join('');
  const relayed = new Relayed({ maxRecv });
  expectProtocolError('text_too_long', () => ask(relayed, keys));
  expect(relayed.bytesAt('target')).toHaveLength(0);
});

test('Text over 8192 bytes ends the session, whatever the target takes in one PDU', () => {
  const relayed = new Relayed({ maxRecv: { initiator: 262144, target: 262144 } });
  const wire = encodePdu('textRequest', { final: true }, Buffer.alloc(8193));
  expectProtocolError('data_segment_too_long', () => relayed.relay.fromInitiator(wire.subarray(0, 48)));
});

test('64 Text Requests may be under way, not 65', () => {
  const relayed = new Relayed();
  for (let tag = 0; tag < 64; tag++) ask(relayed, 'SendTargets=\0', { initiatorTaskTag: tag });
  expectProtocolError('too_many_pieces', () => ask(relayed, 'SendTargets=\0', { initiatorTaskTag: 64 }));
});

test.each([RESERVED_TAG, TAG])('the task tag %i, reserved or in use, ends the session', (tag) => {
  const relayed = new Relayed();
  ask(relayed, 'SendTargets=\0');
  expectProtocolError('bad_sequence', () => ask(relayed, 'SendTargets=\0', { initiatorTaskTag: tag }));
});

test('whoever runs the relay hears of what was denied, and of nothing else', () => {
  const relayed = new Relayed();
  ask(relayed, 'SendTargets=\0');
  expect(relayed.denied).toEqual([]);
  ask(relayed, 'InitiatorName=iqn.1993-08.org.debian:01:db2\0X-com.example=1\0', {
    initiatorTaskTag: TAG + 1,
  });
  expect(relayed.denied).toEqual([
    {
      kind: 'text',
      enforced: true,
      rule: 'db1',
      location: 'gateway.yaml:17:9',
      keys: ['InitiatorName', 'X-com.example'],
    },
  ]);
  expect(describeDenied(relayed.denied[0]!)).toBe(
    'text keys in full feature phase: InitiatorName, X-com.example',
  );
});
