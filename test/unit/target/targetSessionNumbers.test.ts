import { expect, test } from 'vitest';
import { serialAdd, serialBefore } from '../../../src/iscsi/serialArithmetic.ts';
import { hex } from './disk.ts';
import { GatedStore } from './gatedStore.ts';
import { Conversation, FIRST_CMD_SN, FIRST_STAT_SN, isStatus } from './targetConversation.ts';

const TEST_UNIT_READY = hex('00');
const SYNCHRONIZE_CACHE = hex('35');

test('each response has the next StatSN, and says which command is expected', async () => {
  const talk = new Conversation();
  for (let i = 0; i < 3; i++) await talk.answer(await talk.command(TEST_UNIT_READY));
  expect(talk.sent.map(({ fields }) => [fields.statSN, fields.expCmdSN])).toEqual([
    [FIRST_STAT_SN, FIRST_CMD_SN + 1],
    [FIRST_STAT_SN + 1, FIRST_CMD_SN + 2],
    [FIRST_STAT_SN + 2, FIRST_CMD_SN + 3],
  ]);
});

test.each([FIRST_CMD_SN - 1, FIRST_CMD_SN + 1])(
  'a command numbered %i, out of its turn, is ignored',
  async (cmdSN) => {
    const talk = new Conversation();
    await talk.command(TEST_UNIT_READY, { cmdSN });
    const { fields } = await talk.ping();
    expect([talk.sent.length, fields.expCmdSN]).toEqual([1, FIRST_CMD_SN]);
  },
);

test('an immediate command takes no number', async () => {
  const talk = new Conversation();
  await talk.answer(await talk.command(TEST_UNIT_READY, { immediate: true }));
  expect(talk.sent[0]!.fields.expCmdSN).toBe(FIRST_CMD_SN);
});

test('the window closes with 64 commands under way, the 65th is ignored', async () => {
  const store = new GatedStore(1024 * 1024);
  store.shut();
  const talk = new Conversation({ store });
  for (let i = 0; i < 65; i++) await talk.read(0, 1);
  const { fields } = await talk.ping();
  expect([fields.expCmdSN, fields.maxCmdSN]).toEqual([FIRST_CMD_SN + 64, FIRST_CMD_SN + 63]);
  expect(store.begun.length).toBe(64);
  store.open();
});

test('MaxCmdSN never goes back, whatever comes and ends', async () => {
  const store = new GatedStore(1024 * 1024);
  store.shut();
  const talk = new Conversation({ store });
  await talk.ping();
  for (let i = 0; i < 5; i++) await talk.read(0, 1, { immediate: i % 2 === 0 });
  await talk.ping();
  await talk.answer(await talk.command(TEST_UNIT_READY));
  const write = await talk.write(0, 8);
  await talk.answer(write, () => true);
  const managed = talk.manage({ function: 1, referencedTaskTag: write });
  store.open();
  await managed;
  await talk.answer(await talk.command(SYNCHRONIZE_CACHE));
  const told = talk.sent.map(({ fields }) => fields.maxCmdSN);
  for (const [i, maxCmdSN] of told.entries()) {
    if (i > 0) expect(serialBefore(maxCmdSN, told[i - 1]!)).toBe(false);
  }
});

test('a command inside the window that was told is taken, however many immediate ones came after it was told', async () => {
  const store = new GatedStore(1024 * 1024);
  store.shut();
  const talk = new Conversation({ store });
  const { maxCmdSN } = (await talk.ping()).fields;
  for (let i = 0; i < 8; i++) await talk.read(0, 1, { immediate: true });
  for (let i = 0; serialBefore(serialAdd(FIRST_CMD_SN, i - 1), maxCmdSN); i++) await talk.read(0, 1);
  expect((await talk.ping()).fields.expCmdSN).toBe(serialAdd(maxCmdSN, 1));
  store.open();
});

test('immediate commands have a bound too: the ninth under way is rejected', async () => {
  const store = new GatedStore(1024 * 1024);
  store.shut();
  const talk = new Conversation({ store });
  for (let i = 0; i < 9; i++) await talk.read(0, 1, { immediate: true });
  await talk.ping();
  expect(talk.sent.filter(({ kind }) => kind === 'reject').map(({ fields }) => fields.reason)).toEqual([6]);
  store.open();
});

test('a task tag in use, or reserved, ends the session', async () => {
  const store = new GatedStore(1024 * 1024);
  store.shut();
  const talk = new Conversation({ store });
  const initiatorTaskTag = await talk.read(0, 1);
  await expect(talk.read(0, 1, { initiatorTaskTag })).rejects.toThrow(/task tag/);
  await expect(talk.read(0, 1, { initiatorTaskTag: 0xffffffff })).rejects.toThrow(/task tag/);
  store.open();
});

test('a task tag is free again once its command is answered', async () => {
  const talk = new Conversation();
  const initiatorTaskTag = await talk.command(TEST_UNIT_READY);
  await talk.answer(initiatorTaskTag);
  await talk.command(TEST_UNIT_READY, { initiatorTaskTag });
  await talk.nth(1);
  expect(talk.sent.filter(isStatus).length).toBe(2);
});
