import { expect, test } from 'vitest';
import { opcodeAt, RESERVED_TAG } from '../../../src/iscsi/bhs.ts';
import { expectProtocolError } from '../../support/protocolErrors.ts';
import { Relayed, STAT_SN, TARGET_STAT_SN } from '../../support/relayed.ts';

const TAG = 7;
const maxRecv = { initiator: 1024, target: 1024 };

function declare(relayed: Relayed, length: number, initiatorTaskTag = TAG): void {
  const fields = { immediate: true, final: true, initiatorTaskTag, targetTransferTag: RESERVED_TAG };
  relayed.request(
    'textRequest',
    { ...fields, expStatSN: STAT_SN },
    Buffer.from(`MaxRecvDataSegmentLength=${length}\0`),
  );
}

function answer(relayed: Relayed, text: string, fields: Record<string, unknown> = {}): void {
  relayed.respond(
    'textResponse',
    {
      final: true,
      initiatorTaskTag: TAG,
      targetTransferTag: RESERVED_TAG,
      statSN: TARGET_STAT_SN,
      ...fields,
    },
    Buffer.from(text),
  );
}

test('a declaration reaches the target, and its answer the initiator', () => {
  const relayed = new Relayed({ maxRecv, digests: { header: true, data: true } });
  declare(relayed, 2048);
  const [request] = relayed.at('target');
  expect(opcodeAt(request!.bhs, 0)).toBe(0x04);
  expect(request!.bhs.readUInt32BE(28)).toBe(TARGET_STAT_SN);
  expect(request!.data.toString()).toBe('MaxRecvDataSegmentLength=2048\0');
  answer(relayed, 'MaxRecvDataSegmentLength=4096\0');
  const [response] = relayed.at('initiator');
  expect(opcodeAt(response!.bhs, 0)).toBe(0x24);
  expect(response!.bhs.readUInt32BE(24)).toBe(STAT_SN);
  expect(response!.data.toString()).toBe('MaxRecvDataSegmentLength=4096\0');
});

test("the initiator's declaration raises what the target may send", () => {
  const relayed = new Relayed({ maxRecv });
  declare(relayed, 2048);
  relayed.respond('dataIn', {}, Buffer.alloc(2048));
  expectProtocolError('data_segment_too_long', () => relayed.respond('dataIn', {}, Buffer.alloc(2049)));
});

test("the target's declaration raises what the initiator may send", () => {
  const relayed = new Relayed({ maxRecv });
  declare(relayed, 1024);
  expectProtocolError('data_segment_too_long', () =>
    new Relayed({ maxRecv }).request('dataOut', {}, Buffer.alloc(2048)),
  );
  answer(relayed, 'MaxRecvDataSegmentLength=2048\0');
  relayed.request('dataOut', {}, Buffer.alloc(2048));
  expectProtocolError('data_segment_too_long', () => relayed.request('dataOut', {}, Buffer.alloc(2049)));
});

test('a smaller declaration does not end what is under way under the larger one', () => {
  const relayed = new Relayed({ maxRecv });
  declare(relayed, 512);
  relayed.respond('dataIn', {}, Buffer.alloc(1024));
  expect(relayed.at('initiator')).toHaveLength(1);
});

test('an answer without a word is an answer', () => {
  const relayed = new Relayed({ maxRecv });
  declare(relayed, 2048);
  answer(relayed, '');
  expect(relayed.at('initiator')).toHaveLength(1);
});

test.each(['Reject', 'NotUnderstood', 'Irrelevant'])(
  'a target that answers %s is heard, and nothing of its own is raised',
  (word) => {
    const relayed = new Relayed({ maxRecv });
    declare(relayed, 2048);
    answer(relayed, `MaxRecvDataSegmentLength=${word}\0`);
    expect(relayed.at('initiator')[0]!.data.toString()).toBe(`MaxRecvDataSegmentLength=${word}\0`);
    expectProtocolError('data_segment_too_long', () => relayed.request('dataOut', {}, Buffer.alloc(1025)));
  },
);

test.each([
  ['to nothing', 'MaxRecvDataSegmentLength=2048\0', { initiatorTaskTag: 8 }],
  ['in pieces', 'MaxRecvDataSegmentLength=2048\0', { final: false }],
  ['of something else', 'SendTargets=Reject\0', {}],
  ['of targets', 'TargetName=iqn.2001-04.com.example\0', {}],
])('Text of the target %s ends the session', (_, text, fields) => {
  const relayed = new Relayed({ maxRecv });
  declare(relayed, 2048);
  expectProtocolError('bad_text', () => answer(relayed, text, fields));
  expect(relayed.bytesAt('initiator')).toHaveLength(0);
});

test('a declaration is answered once', () => {
  const relayed = new Relayed({ maxRecv });
  declare(relayed, 2048);
  answer(relayed, '');
  expectProtocolError('bad_text', () => answer(relayed, '', { statSN: TARGET_STAT_SN + 1 }));
});

test('64 declarations may wait for their answer, not 65', () => {
  const relayed = new Relayed();
  for (let tag = 0; tag < 64; tag++) declare(relayed, 2048, tag);
  expectProtocolError('too_many_pieces', () => declare(relayed, 2048, 64));
});

test('a declaration that the target rejects waits no longer', () => {
  const relayed = new Relayed();
  for (let tag = 0; tag < 100; tag++) {
    declare(relayed, 2048, tag);
    const [request] = relayed.at('target');
    relayed.respond('reject', { final: true, statSN: TARGET_STAT_SN + tag }, request!.bhs);
    expect(relayed.at('initiator')).toHaveLength(1);
  }
});

test.each([RESERVED_TAG, TAG])(
  'a declaration with the task tag %i, reserved or in use, ends the session',
  (tag) => {
    const relayed = new Relayed();
    declare(relayed, 2048);
    expectProtocolError('bad_sequence', () => declare(relayed, 2048, tag));
  },
);
