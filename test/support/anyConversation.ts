import * as fc from 'fast-check';
import { encodeBhs, type PduKind } from '../../src/iscsi/layouts.ts';
import type { Digests } from '../../src/iscsi/pdu.ts';
import { anyFields } from './anyPdu.ts';
import { DISK } from './initiatorRule.ts';
import { naiveWire } from './naiveCodec.ts';
import type { Side } from './naiveRelay.ts';

const RESERVED_TAG = 0xffffffff;
const NONE = Buffer.alloc(0);

/** What the gateway answers to texts in a session with the target of test/support/relayed.ts. */
export const TEXT_ANSWERS: ReadonlyMap<string, string> = new Map([
  ['', ''],
  ['SendTargets=\0', `TargetName=${DISK}\0TargetAddress=192.0.2.1:3260,1\0`],
  ['SendTargets=All\0', 'SendTargets=Reject\0'],
  ['SendTargets=iqn.2001-05.com.equallogic:other\0', ''],
  ['X-com.example=1\0HeaderDigest=None\0', 'X-com.example=NotUnderstood\0HeaderDigest=Reject\0'],
]);
const DECLARATION = 'MaxRecvDataSegmentLength=65536\0';

interface Spoken {
  readonly side: Side;
  readonly bhs: Buffer;
  readonly ahs: Buffer;
  readonly data: Buffer;
}

const anyData = fc.oneof(fc.constant(0), fc.nat(9), fc.nat(600)).map((length) => Buffer.alloc(length, 0x78));

function anyOf(
  side: Side,
  kind: PduKind,
  parts: { ahs?: boolean; data?: boolean } = {},
): fc.Arbitrary<Spoken> {
  const ahs = fc.nat(parts.ahs === true ? 3 : 0).map((words) => Buffer.alloc(4 * words, 0xab));
  const data = parts.data === true ? anyData : fc.constant(NONE);
  return fc
    .tuple(anyFields(kind), ahs, data)
    .map(([fields, ahs, data]) => ({ side, bhs: encodeBhs(kind, fields), ahs, data }));
}

const anyTextRequest: fc.Arbitrary<Spoken> = fc
  .tuple(anyFields('textRequest'), fc.constantFrom(...TEXT_ANSWERS.keys(), DECLARATION))
  .map(([fields, text]) => ({
    side: 'initiator' as const,
    bhs: encodeBhs('textRequest', {
      ...fields,
      final: true,
      continues: false,
      targetTransferTag: RESERVED_TAG,
    }),
    ahs: NONE,
    data: Buffer.from(text),
  }));

/** A command that policy lets through: READ (10). What becomes of others is in refusals.test.ts. */
const anyCommand: fc.Arbitrary<Spoken> = anyOf('initiator', 'scsiCommand', { ahs: true, data: true }).map(
  ({ bhs, ...rest }) => {
    bhs[32] = 0x28;
    return { ...rest, bhs };
  },
);

/** Task management that policy lets through: what reaches one logical unit. */
const anyTaskManagement: fc.Arbitrary<Spoken> = fc
  .tuple(anyOf('initiator', 'taskManagementRequest'), fc.integer({ min: 1, max: 5 }))
  .map(([{ bhs, ...rest }, taskFunction]) => {
    bhs[1] = 0x80 | taskFunction;
    return { ...rest, bhs };
  });

/** A NOP-In to nobody, to a ping, or to whatever stands in for a Text Request (whose tags are small). */
const anyNopIn: fc.Arbitrary<Spoken> = fc
  .tuple(anyOf('target', 'nopIn', { data: true }), fc.oneof(fc.constant(RESERVED_TAG), fc.nat(12)))
  .map(([spoken, tag]) => withTag(spoken, tag));

const anyReject: fc.Arbitrary<Spoken> = fc
  .tuple(
    anyOf('target', 'reject'),
    fc.constantFrom<PduKind>('nopOut', 'dataOut', 'scsiCommand'),
    fc.nat(12),
    fc.nat(3),
  )
  .map(([spoken, kind, tag, more]) => {
    const rejected = encodeBhs(kind, { initiatorTaskTag: tag });
    return { ...spoken, data: Buffer.concat([rejected, Buffer.alloc(more)]).subarray(more === 3 ? 40 : 0) };
  });

const anySpoken: fc.Arbitrary<Spoken> = fc.oneof(
  anyCommand,
  anyOf('initiator', 'dataOut', { data: true }),
  anyOf('initiator', 'nopOut', { data: true }),
  anyTaskManagement,
  anyOf('initiator', 'logoutRequest'),
  { weight: 3, arbitrary: anyTextRequest },
  anyOf('target', 'dataIn', { data: true }),
  anyOf('target', 'scsiResponse', { data: true }),
  anyOf('target', 'taskManagementResponse'),
  anyOf('target', 'logoutResponse'),
  anyOf('target', 'asyncMessage', { data: true }),
  anyOf('target', 'r2t'),
  { weight: 3, arbitrary: anyNopIn },
  anyReject,
);

export interface AnyConversation {
  readonly digests: Digests;
  readonly streams: Readonly<Record<Side, Buffer>>;
}

/** What both sides say in full feature phase, all of it well formed; task tags of Text Requests are 0, 1, 2, …, no two commands have one tag. */
export const anyConversation: fc.Arbitrary<AnyConversation> = fc
  .tuple(fc.record({ header: fc.boolean(), data: fc.boolean() }), fc.array(anySpoken, { maxLength: 40 }))
  .map(([digests, spoken]) => {
    let texts = 0;
    let commands = 0;
    const wires = spoken.map((one) => {
      const { side, bhs, ahs, data } = isA(0x04, one)
        ? withTag(one, texts++)
        : isA(0x01, one)
          ? withTag(one, 0x80000000 + ((one.bhs.readUInt32BE(16) & 0x7fffff00) | commands++))
          : one;
      return { side, wire: naiveWire(bhs, ahs, data, digests) };
    });
    const stream = (of: Side): Buffer =>
      Buffer.concat(wires.filter(({ side }) => side === of).map(({ wire }) => wire));
    return { digests, streams: { initiator: stream('initiator'), target: stream('target') } };
  });

function isA(opcode: number, { bhs }: Spoken): boolean {
  return (bhs[0]! & 0x3f) === opcode;
}

function withTag(spoken: Spoken, tag: number): Spoken {
  const bhs = Buffer.from(spoken.bhs);
  bhs.writeUInt32BE(tag, 16);
  return { ...spoken, bhs };
}
