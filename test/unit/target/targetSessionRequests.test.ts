import { expect, test } from 'vitest';
import { RESERVED_TAG } from '../../../src/iscsi/bhs.ts';
import { encodeText, parseKeys } from '../../../src/iscsi/text.ts';
import { pattern } from './disk.ts';
import { GatedStore } from './gatedStore.ts';
import { Conversation, FIRST_CMD_SN, pdu } from './targetConversation.ts';

test('a ping comes back with its data, its LUN and its tag', async () => {
  const talk = new Conversation();
  const data = pattern(100);
  const lun = Buffer.from('0001000000000000', 'hex');
  await talk.receive(
    'nopOut',
    { final: true, cmdSN: FIRST_CMD_SN, initiatorTaskTag: 9, targetTransferTag: RESERVED_TAG, lun },
    data,
  );
  const { kind, fields, data: back } = await talk.nth(0);
  expect([kind, fields.initiatorTaskTag, fields.targetTransferTag]).toEqual(['nopIn', 9, RESERVED_TAG]);
  expect([fields.lun, back, fields.expCmdSN]).toEqual([lun, data, FIRST_CMD_SN + 1]);
});

test('ping data comes back only as far as the initiator takes it', async () => {
  const talk = new Conversation();
  const ping = { final: true, immediate: true, initiatorTaskTag: 9, targetTransferTag: RESERVED_TAG };
  await talk.receive('nopOut', ping, Buffer.alloc(10_000, 1));
  expect((await talk.nth(0)).data.length).toBe(8192);
});

test('a NOP-Out that wants no answer gets none', async () => {
  const talk = new Conversation();
  await talk.receive('nopOut', { final: true, immediate: true, initiatorTaskTag: RESERVED_TAG });
  expect(talk.sent).toEqual([]);
});

test('SendTargets in a Normal session shows the target itself, at the address that was dialled', async () => {
  const talk = new Conversation();
  const text = { final: true, immediate: true, initiatorTaskTag: 1, targetTransferTag: RESERVED_TAG };
  await talk.receive('textRequest', text, encodeText([['SendTargets', '']]));
  const { kind, data } = await talk.nth(0);
  expect(kind).toBe('textResponse');
  expect([...parseKeys(data)]).toEqual([
    ['TargetName', 'iqn.2026-01.org.example:disk'],
    ['TargetAddress', '127.0.0.1:3260,1'],
  ]);
});

test.each([
  ['in pieces', { continues: true, targetTransferTag: RESERVED_TAG }],
  ['that goes on with what never began', { targetTransferTag: 5 }],
])('a Text Request %s ends the session', async (_what, fields) => {
  const talk = new Conversation();
  await expect(talk.receive('textRequest', { immediate: true, ...fields })).rejects.toThrow(/Text Request/);
});

test('a Logout is answered and ends the session', async () => {
  const talk = new Conversation();
  expect(await talk.receive('logoutRequest', { immediate: true, final: true, initiatorTaskTag: 4 })).toBe(
    false,
  );
  expect((await talk.nth(0)).kind).toBe('logoutResponse');
});

test('nothing follows a Logout Response, and nothing is taken after it', async () => {
  const store = new GatedStore(1024 * 1024);
  store.shut();
  const talk = new Conversation({ store });
  await talk.read(0, 1);
  await talk.receive('logoutRequest', { immediate: true, final: true, initiatorTaskTag: 4 });
  store.open();
  await talk.target.units.get(0)!.settled();
  const ping = { immediate: true, final: true, initiatorTaskTag: 5, targetTransferTag: RESERVED_TAG };
  expect(await talk.receive('nopOut', ping)).toBe(false);
  expect(talk.sent.map(({ kind }) => kind)).toEqual(['logoutResponse']);
});

test('a Logout for recovery is refused, for there is none, and the session goes on', async () => {
  const talk = new Conversation();
  const logout = { immediate: true, final: true, initiatorTaskTag: 4, reason: 2 };
  expect(await talk.receive('logoutRequest', logout)).toBe(true);
  expect((await talk.nth(0)).fields.response).toBe(2);
});

test('a Login Request in full feature phase ends the session', async () => {
  const talk = new Conversation();
  await expect(talk.receive('loginRequest', { cmdSN: 0 })).rejects.toThrow(/Login Request/);
});

test.each([
  ['of nobody', 0x1f],
  ['of targets', 0x21],
  ['of SNACK, which error recovery level 0 has not', 0x10],
])('an opcode %s is rejected with its header, whatever its CmdSN', async (_whose, opcode) => {
  const talk = new Conversation();
  const unknown = pdu('nopOut', { cmdSN: 77 });
  unknown.bhs[0] = opcode;
  expect(await talk.session.receive(unknown)).toBe(true);
  const { kind, fields, data } = await talk.nth(0);
  expect([kind, fields.reason, fields.initiatorTaskTag]).toEqual(['reject', 5, RESERVED_TAG]);
  expect(data).toEqual(unknown.bhs);
  expect(fields.expCmdSN).toBe(FIRST_CMD_SN);
});
