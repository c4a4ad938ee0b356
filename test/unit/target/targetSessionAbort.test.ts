import { expect, test } from 'vitest';
import { DiskTarget } from '../../../src/target/diskTarget.ts';
import { LogicalUnit } from '../../../src/target/logicalUnit.ts';
import { MemoryStore } from '../../../src/target/memoryStore.ts';
import { hex, pattern, PORT_A, PORT_B, PORT_C } from './disk.ts';
import { GatedStore } from './gatedStore.ts';
import { Reader } from './reader.ts';
import { Conversation, diskTarget, isR2t, isStatus } from './targetConversation.ts';

const ABORT_TASK = 1;
const ABORT_TASK_SET = 2;
const CLEAR_TASK_SET = 4;
const LOGICAL_UNIT_RESET = 5;
const TARGET_WARM_RESET = 6;
const COMPLETE = 0;

function gated(): GatedStore {
  const store = new GatedStore(64 * 1024 * 1024);
  store.shut();
  return store;
}

function responses(talk: Conversation): number[] {
  return talk.sent
    .filter(({ kind }) => kind === 'taskManagementResponse')
    .map(({ fields }) => fields.response);
}

test('an aborted write answers nothing any more, and its late data is dropped', async () => {
  const talk = new Conversation();
  const tag = await talk.write(0, 8);
  const r2t = await talk.answer(tag, isR2t);
  await talk.manage({ function: ABORT_TASK, referencedTaskTag: tag });
  await talk.answerR2t(r2t, Buffer.alloc(4096));
  await talk.ping();
  expect(talk.sent.map(({ kind }) => kind)).toEqual(['r2t', 'taskManagementResponse', 'nopIn']);
  expect(responses(talk)).toEqual([COMPLETE]);
});

test('when ABORT TASK is answered, the write that was in hand changes the disk no more', async () => {
  const store = gated();
  const talk = new Conversation({ store });
  const tag = await talk.write(0, 1, {}, pattern(512));
  const managed = talk.manage({ function: ABORT_TASK, referencedTaskTag: tag });
  expect(responses(talk)).toEqual([]);
  store.open();
  await managed;
  expect(responses(talk)).toEqual([COMPLETE]);
  expect((await store.read(0, 512)).equals(pattern(512))).toBe(true); // and not later
  expect(talk.sent.filter(isStatus)).toEqual([]);
});

test('a read that is aborted while its data goes out sends no more of it', async () => {
  const reader = new Reader();
  const talk = new Conversation({
    taken: () => (talk.sent.length === 1 ? reader.taken() : Promise.resolve()),
  });
  const tag = await talk.read(0, 64);
  await talk.nth(0);
  await talk.manage({ function: ABORT_TASK, referencedTaskTag: tag });
  reader.read();
  await talk.ping();
  await talk.target.units.get(0)!.settled();
  expect(talk.sent.map(({ kind }) => kind)).toEqual(['dataIn', 'taskManagementResponse', 'nopIn']);
});

test.each([
  ['that is not there', 0, 77],
  ['of another LUN', 1, undefined],
])('ABORT TASK of a task %s says so and aborts nothing', async (_what, lun, referenced) => {
  const store = gated();
  const units = [0, 1].map((n) => new LogicalUnit({ lun: n, store, serial: `${n}` }));
  const talk = new Conversation({ target: new DiskTarget('iqn.2026-01.org.example:two', units) });
  const tag = await talk.read(0, 1);
  const lunField = Buffer.from([0, lun, 0, 0, 0, 0, 0, 0]);
  await talk.manage({ function: ABORT_TASK, referencedTaskTag: referenced ?? tag, lun: lunField });
  store.open();
  await talk.answer(tag);
  expect(responses(talk)).toEqual([1]);
});

test.each([
  ['a LUN that is not there', { function: ABORT_TASK_SET, lun: hex('0007000000000000') }, 2],
  ['a LUN of a form that is not known', { function: ABORT_TASK_SET, lun: hex('ff00000000000000') }, 2],
  ['CLEAR ACA, of which there is none', { function: 3 }, 5],
  ['TARGET COLD RESET, which would drop the connection', { function: 7 }, 5],
])('task management for %s is refused', async (_what, fields, response) => {
  const talk = new Conversation();
  await talk.manage(fields);
  expect(responses(talk)).toEqual([response]);
});

test('ABORT TASK SET ends the tasks of its own session, not those of another', async () => {
  const store = gated();
  const target = diskTarget(store);
  const [mine, other] = [PORT_A, PORT_B].map((initiatorPort) => new Conversation({ target, initiatorPort }));
  for (const talk of [mine!, other!]) {
    await target.join(talk.session);
    await talk.read(0, 1);
  }
  const managed = mine!.manage({ function: ABORT_TASK_SET });
  store.open();
  await managed;
  await other!.answer(1);
  expect(mine!.sent.filter(isStatus)).toEqual([]);
});

test.each([
  ['CLEAR TASK SET', CLEAR_TASK_SET],
  ['LOGICAL UNIT RESET', LOGICAL_UNIT_RESET],
  ['TARGET WARM RESET', TARGET_WARM_RESET],
])('%s ends the tasks of every session', async (_name, functionCode) => {
  const store = gated();
  const target = diskTarget(store);
  const [mine, other] = [PORT_A, PORT_B].map((initiatorPort) => new Conversation({ target, initiatorPort }));
  for (const talk of [mine!, other!]) {
    await target.join(talk.session);
    await talk.read(0, 1);
  }
  const managed = mine!.manage({ function: functionCode });
  store.open();
  await managed;
  await other!.ping();
  expect([...mine!.sent, ...other!.sent].filter(isStatus)).toEqual([]);
  expect(responses(mine!)).toEqual([COMPLETE]);
});

test('CLEAR TASK SET tells those whose tasks it took, and nobody else', async () => {
  const store = gated();
  const target = diskTarget(store);
  const ports = [PORT_A, PORT_B, PORT_C];
  const talks = ports.map((initiatorPort) => new Conversation({ target, initiatorPort }));
  for (const talk of talks) {
    await target.join(talk.session);
    await talk.answer(await talk.command(hex('00')));
  }
  await talks[0]!.read(0, 1);
  await talks[1]!.read(0, 1);
  const managed = talks[0]!.manage({ function: CLEAR_TASK_SET });
  store.open();
  await managed;
  const told: number[] = [];
  for (const talk of talks) {
    const { data } = await talk.answer(await talk.command(hex('00')));
    told.push(data.length === 0 ? 0 : data.subarray(2).readUInt16BE(12));
  }
  expect(told).toEqual([0, 0x2f00, 0]); // COMMANDS CLEARED BY ANOTHER INITIATOR
});

test('after a reset every session is told by a unit attention, once', async () => {
  const target = diskTarget();
  const talks = [PORT_A, PORT_B].map((initiatorPort) => new Conversation({ target, initiatorPort }));
  for (const talk of talks) await talk.answer(await talk.command(hex('00')));
  await talks[0]!.manage({ function: LOGICAL_UNIT_RESET });
  for (const talk of talks) {
    const first = await talk.answer(await talk.command(hex('00')));
    expect([first.fields.status, first.data[4]! & 0xf]).toEqual([2, 6]);
    expect((await talk.answer(await talk.command(hex('00')))).fields.status).toBe(0);
  }
});

test('a new session of the same initiator port ends the older one, whose commands are carried out no more', async () => {
  const store = gated();
  const target = diskTarget(store);
  const older = new Conversation({ target });
  await target.join(older.session);
  await older.write(0, 1, {}, pattern(512, 1));
  const newer = new Conversation({ target });
  const joined = target.join(newer.session);
  await older.write(1, 1, {}, pattern(512, 2));
  store.open();
  await joined;
  expect(older.isEnded).toBe(true);
  expect(store.begun).toEqual(['write 0+512']);
  expect(older.sent).toEqual([]);
});

test.each([
  ['that it reinstates', false],
  ['whose connection was lost', true],
])('a session begins when the one %s changes the disk no more', async (_which, isLost) => {
  const store = gated();
  const target = diskTarget(store);
  const older = new Conversation({ target });
  await target.join(older.session);
  await older.write(0, 1, {}, pattern(512));
  if (isLost) target.leave(older.session);
  let hasJoined = false;
  const joined = target.join(new Conversation({ target }).session).then(() => (hasJoined = true));
  await new Promise(setImmediate); // it would have joined by now
  expect(hasJoined).toBe(false);
  store.open();
  await joined;
  expect((await store.read(0, 512)).equals(pattern(512))).toBe(true);
});

test('a session begins at once while others are busy', async () => {
  const target = diskTarget(gated());
  const busy = new Conversation({ target, initiatorPort: PORT_A });
  await target.join(busy.session);
  await busy.read(0, 1);
  await target.join(new Conversation({ target, initiatorPort: PORT_B }).session);
  expect(busy.sent).toEqual([]);
});

test('a session of another initiator port ends nobody', async () => {
  const target = diskTarget();
  const first = new Conversation({ target, initiatorPort: PORT_A });
  await target.join(first.session);
  await target.join(new Conversation({ target, initiatorPort: PORT_B }).session);
  expect(first.isEnded).toBe(false);
});

test('the end of the older session, heard of late, takes nothing from the one that reinstated it', async () => {
  const target = diskTarget();
  const older = new Conversation({ target });
  const newer = new Conversation({ target });
  await target.join(older.session);
  await target.join(newer.session);
  await newer.answer(await newer.command(hex('00')));
  await newer.manage({ function: LOGICAL_UNIT_RESET });
  target.leave(older.session);
  expect((await newer.answer(await newer.command(hex('00')))).fields.status).toBe(2); // its unit attention
});

test('closing the target ends every session, then closes the disks', async () => {
  const store = new MemoryStore(512);
  const target = diskTarget(store);
  const talk = new Conversation({ target });
  await target.join(talk.session);
  await store.write(0, pattern(512));
  await target.close();
  expect([talk.isEnded, store.allocated]).toEqual([true, 0]);
});
