import { expect, test } from 'vitest';
import { DiscoverySession, type DiscoveryStep } from '../../../src/discovery/discoverySession.ts';
import type { TargetRecord } from '../../../src/discovery/sendTargets.ts';
import { opcodeAt, RESERVED_TAG } from '../../../src/iscsi/bhs.ts';
import { decodeBhs, encodeBhs, type PduFields, type PduKind } from '../../../src/iscsi/layouts.ts';
import { encodePdu, NO_DIGESTS, parseWirePdu, type Pdu } from '../../../src/iscsi/pdu.ts';
import { expectProtocolError } from '../../support/protocolErrors.ts';

const RECORDS: TargetRecord[] = [
  { name: 'iqn.2001-04.com.example:a', addresses: [{ host: '192.0.2.1', port: 3260, portalGroupTag: 1 }] },
];
const TEXT = 'TargetName=iqn.2001-04.com.example:a\0TargetAddress=192.0.2.1:3260,1\0';

const session = (maxDataSegmentLength = 8192) =>
  new DiscoverySession({ statSN: 100, cmdSN: 1, maxDataSegmentLength });

function sent<K extends PduKind>(kind: K, fields: Partial<PduFields<K>>, text = ''): Pdu {
  return parseWirePdu(encodePdu(kind, fields, Buffer.from(text)), NO_DIGESTS);
}

function ask(text: string, fields: Partial<PduFields<'textRequest'>> = {}): Pdu {
  const asked = { final: true, initiatorTaskTag: 7, targetTransferTag: RESERVED_TAG, cmdSN: 1 };
  return sent('textRequest', { ...asked, ...fields }, text);
}

function responseOf(step: DiscoveryStep): Pdu {
  if (step.kind !== 'send' && step.kind !== 'logout') throw new Error(`no response in ${step.kind}`);
  return parseWirePdu(step.response, NO_DIGESTS);
}

function readText(wire: Buffer): PduFields<'textResponse'> & { text: string } {
  const { bhs, data } = parseWirePdu(wire, NO_DIGESTS);
  expect(opcodeAt(bhs, 0)).toBe(0x24);
  return { ...decodeBhs('textResponse', bhs), text: data.toString() };
}

test('SendTargets=All asks for every target, and the answer goes out in one PDU', () => {
  const discovery = session();
  expect(discovery.receive(ask('SendTargets=All\0'))).toEqual({ kind: 'sendTargets' });
  expect(readText(discovery.answer(RECORDS))).toMatchObject({
    text: TEXT,
    final: true,
    continues: false,
    initiatorTaskTag: 7,
    targetTransferTag: RESERVED_TAG,
    statSN: 100,
    expCmdSN: 2,
    maxCmdSN: 2,
  });
});

test('SendTargets with a name asks for that target in normal form', () => {
  expect(session().receive(ask('SendTargets=IQN.2001-04.com.example:A\0'))).toEqual({
    kind: 'sendTargets',
    name: 'iqn.2001-04.com.example:a',
  });
});

test('no target is an empty answer', () => {
  const discovery = session();
  discovery.receive(ask('SendTargets=All\0'));
  expect(readText(discovery.answer([]))).toMatchObject({ text: '', final: true });
});

test.each(['SendTargets=\0', 'SendTargets=all\0', 'SendTargets=All \0', 'SendTargets=Alle\0'])(
  '%j names no target',
  (text) => {
    expectProtocolError('bad_name', () => session().receive(ask(text)));
  },
);

test.each(['', 'X-com.example=1\0', 'SendTargets=All\0MaxRecvDataSegmentLength=512\0', 'InitiatorName=x\0'])(
  '%j is not what a discovery session is for',
  (text) => {
    expectProtocolError('bad_text', () => session().receive(ask(text)));
  },
);

test('a long answer comes in pieces that the initiator takes, each when it asks', () => {
  const discovery = session(512);
  const many = Array.from({ length: 40 }, (_, i) => ({
    ...RECORDS[0]!,
    name: `iqn.2001-04.com.example:${i}`,
  }));
  discovery.receive(ask('SendTargets=All\0'));
  let piece = readText(discovery.answer(many));
  let { text } = piece;
  for (let cmdSN = 2; !piece.final; cmdSN++) {
    expect(piece).toMatchObject({ continues: true, initiatorTaskTag: 7 });
    expect(piece.targetTransferTag).not.toBe(RESERVED_TAG);
    expect(piece.text).toHaveLength(512);
    const { targetTransferTag } = piece;
    const step = discovery.receive(ask('', { targetTransferTag, cmdSN }));
    if (step.kind !== 'send') throw new Error(step.kind);
    piece = readText(step.response);
    expect(piece.statSN).toBe(100 + cmdSN - 1);
    text += piece.text;
  }
  expect(piece).toMatchObject({ continues: false, targetTransferTag: RESERVED_TAG });
  expect(text.match(/TargetName=/g)).toHaveLength(40);
  expect(text.startsWith('TargetName=iqn.2001-04.com.example:0\0')).toBe(true);
});

test('a question may come in pieces, each of which is acknowledged', () => {
  const discovery = session();
  const first = discovery.receive(ask('SendTar', { final: false, continues: true }));
  const response = responseOf(first);
  const { final, targetTransferTag } = decodeBhs('textResponse', response.bhs);
  expect({ final, length: response.data.length }).toEqual({ final: false, length: 0 });
  expect(discovery.receive(ask('gets=All\0', { targetTransferTag, cmdSN: 2 }))).toEqual({
    kind: 'sendTargets',
  });
});

test('a question in more than 16 pieces ends the session', () => {
  const discovery = session();
  let cmdSN = 1;
  const piece = () => discovery.receive(ask('', { final: false, continues: true, cmdSN: cmdSN++ }));
  for (let i = 0; i < 16; i++) piece();
  expectProtocolError('too_many_pieces', piece);
});

test('a new question drops what is left of the last answer', () => {
  const discovery = session(512);
  discovery.receive(ask('SendTargets=All\0'));
  discovery.answer(Array.from({ length: 40 }, () => RECORDS[0]!));
  expect(discovery.receive(ask('SendTargets=All\0', { cmdSN: 2 }))).toEqual({ kind: 'sendTargets' });
  expect(readText(discovery.answer(RECORDS)).text).toBe(TEXT);
});

test('a new question in pieces is not taken for a wish to hear more of the last answer', () => {
  const discovery = session(512);
  discovery.receive(ask('SendTargets=All\0'));
  discovery.answer(Array.from({ length: 40 }, () => RECORDS[0]!));
  const first = responseOf(discovery.receive(ask('SendTar', { final: false, continues: true, cmdSN: 2 })));
  expect(first.data).toHaveLength(0);
  const { targetTransferTag } = decodeBhs('textResponse', first.bhs);
  const second = ask('gets=All\0', { targetTransferTag, cmdSN: 3 });
  expect(discovery.receive(second)).toEqual({ kind: 'sendTargets' });
});

test('a ping is echoed', () => {
  const ping = sent('nopOut', { immediate: true, final: true, initiatorTaskTag: 9, cmdSN: 1 }, 'ping');
  const { bhs, data } = responseOf(session().receive(ping));
  expect(opcodeAt(bhs, 0)).toBe(0x20);
  expect(decodeBhs('nopIn', bhs)).toMatchObject({
    initiatorTaskTag: 9,
    targetTransferTag: RESERVED_TAG,
    statSN: 100,
    expCmdSN: 1,
  });
  expect(data.toString()).toBe('ping');
});

test('of a ping as much is echoed as the initiator takes', () => {
  const ping = sent(
    'nopOut',
    { immediate: true, final: true, initiatorTaskTag: 9, cmdSN: 1 },
    'p'.repeat(600),
  );
  expect(responseOf(session(512).receive(ping)).data).toHaveLength(512);
});

test('a NOP-Out that wants no answer gets none and uses up no number', () => {
  const discovery = session();
  const nopOut = sent('nopOut', { immediate: true, final: true, initiatorTaskTag: RESERVED_TAG, cmdSN: 1 });
  expect(discovery.receive(nopOut)).toEqual({ kind: 'nothing' });
  const ping = sent('nopOut', { immediate: true, final: true, initiatorTaskTag: 9, cmdSN: 1 });
  expect(decodeBhs('nopIn', responseOf(discovery.receive(ping)).bhs).statSN).toBe(100);
});

test('a logout is answered and ends the session', () => {
  const logout = sent('logoutRequest', { immediate: true, final: true, initiatorTaskTag: 9, cmdSN: 1 });
  const step = session().receive(logout);
  expect(step.kind).toBe('logout');
  expect(decodeBhs('logoutResponse', responseOf(step).bhs)).toMatchObject({
    response: 0,
    initiatorTaskTag: 9,
    statSN: 100,
  });
});

test.each<PduKind>(['scsiCommand', 'taskManagementRequest', 'dataOut', 'snackRequest'])(
  '%s is rejected as not supported, its header shown back',
  (kind) => {
    const bhs = encodeBhs(kind, {});
    if (kind === 'scsiCommand' || kind === 'taskManagementRequest') bhs.writeUInt32BE(1, 24);
    const { bhs: answer, data } = responseOf(
      session().receive({ bhs, ahs: Buffer.alloc(0), data: Buffer.alloc(0) }),
    );
    expect(opcodeAt(answer, 0)).toBe(0x3f);
    expect(decodeBhs('reject', answer)).toMatchObject({
      reason: 5,
      initiatorTaskTag: RESERVED_TAG,
      statSN: 100,
    });
    expect(data.equals(bhs)).toBe(true);
  },
);

test('a command that is rejected has used up its number', () => {
  const discovery = session();
  const rejected = responseOf(discovery.receive(sent('scsiCommand', { final: true, cmdSN: 1 })));
  expect(decodeBhs('reject', rejected.bhs).expCmdSN).toBe(2);
  expect(discovery.receive(ask('SendTargets=All\0', { cmdSN: 2 }))).toEqual({ kind: 'sendTargets' });
});

test('a Login Request after login ends the session', () => {
  expectProtocolError('bad_opcode', () => session().receive(sent('loginRequest', { cmdSN: 1 })));
});

test('immediate commands use up no number, others do, over the wrap too', () => {
  const discovery = new DiscoverySession({
    statSN: 0xffffffff,
    cmdSN: 0xffffffff,
    maxDataSegmentLength: 8192,
  });
  const ping = (cmdSN: number, immediate: boolean) =>
    decodeBhs(
      'nopIn',
      responseOf(discovery.receive(sent('nopOut', { immediate, final: true, initiatorTaskTag: 9, cmdSN })))
        .bhs,
    );
  expect(ping(0xffffffff, true)).toMatchObject({ statSN: 0xffffffff, expCmdSN: 0xffffffff });
  expect(ping(0xffffffff, false)).toMatchObject({ statSN: 0, expCmdSN: 0 });
  expect(ping(0, false)).toMatchObject({ statSN: 1, expCmdSN: 1 });
});

test.each([0, 2, 0xffffffff])('command number %i where 1 is due ends the session', (cmdSN) => {
  expectProtocolError('bad_sequence', () => session().receive(ask('SendTargets=All\0', { cmdSN })));
});
