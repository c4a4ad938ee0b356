import { expect, test } from 'vitest';
import { hex } from './disk.ts';
import { GatedStore } from './gatedStore.ts';
import { Reader } from './reader.ts';
import { cdb10, Conversation, isR2t } from './targetConversation.ts';

const MEBIBYTE = 1024 * 1024;
/** Blocks of the longest transfer, 8 MiB. */
const LONGEST = 16384;

test('an initiator that sends but does not read is not served after 64 answers, until it reads', async () => {
  const reader = new Reader();
  const talk = new Conversation({ taken: reader.taken });
  const flood = (async () => {
    for (let i = 0; i < 200; i++) await talk.command(hex('00'));
  })();
  await talk.nth(63);
  await new Promise(setImmediate); // more would come now, if they came
  expect(talk.sent.length).toBeLessThan(70);
  expect(reader.unread).toBeLessThan(70);
  reader.read();
  await flood;
  await talk.nth(199);
});

test('many short commands are answered while the initiator reads', async () => {
  const talk = new Conversation();
  for (let i = 0; i < 200; i++) await talk.command(hex('00'));
  await talk.nth(199);
});

test('writes are asked for only as far as their data fits into memory together', async () => {
  const talk = new Conversation();
  for (let i = 0; i < 12; i++) await talk.write(0, LONGEST);
  await talk.ping();
  expect(talk.sent.filter(isR2t).length).toBe(8); // of 8 MiB each
});

test('a write that waits for memory is asked for when another is aborted', async () => {
  const talk = new Conversation();
  const tags: number[] = [];
  for (let i = 0; i < 9; i++) tags.push(await talk.write(0, LONGEST));
  expect(talk.sent.filter(isR2t).length).toBe(8);
  await talk.manage({ function: 1, referencedTaskTag: tags[0]! });
  await talk.answer(tags[8]!, isR2t);
});

test('all writes are aborted at once, and none that waited for memory is asked for', async () => {
  const talk = new Conversation();
  for (let i = 0; i < 20; i++) await talk.write(0, LONGEST);
  await talk.manage({ function: 2 });
  await talk.ping();
  expect(talk.sent.filter(isR2t).length).toBe(8);
});

test.each([
  ['announce what they get', {}],
  ['announce nothing', { expectedDataTransferLength: 0, read: false }],
])('reads that %s are begun only as far as their data fits into memory together', async (_what, fields) => {
  const store = new GatedStore(64 * MEBIBYTE);
  store.shut();
  const talk = new Conversation({ store });
  for (let i = 0; i < 12; i++) await talk.read(0, LONGEST, fields);
  await talk.ping();
  expect(store.begun.length).toBe(8);
  store.open();
});

test('a VERIFY, which no budget holds up, reads no more than 1 MiB at a time', async () => {
  const store = new GatedStore(64 * MEBIBYTE);
  const talk = new Conversation({ store });
  await talk.answer(await talk.command(cdb10(0x2f, 0, LONGEST)));
  expect(store.begun).toEqual(Array.from({ length: 8 }, (_, i) => `read ${i * MEBIBYTE}+${MEBIBYTE}`));
});

test('a command that announces 4 GiB and moves nothing holds nobody up', async () => {
  const store = new GatedStore(64 * MEBIBYTE);
  store.shut();
  const talk = new Conversation({ store });
  await talk.read(0, 1);
  await talk.answer(await talk.command(hex('00'), { read: true, expectedDataTransferLength: 0xffffffff }));
  store.open();
});

test('reads that the initiator does not take hold their memory until it does', async () => {
  const reader = new Reader();
  const store = new GatedStore(64 * MEBIBYTE);
  const talk = new Conversation({ store, taken: reader.taken });
  for (let i = 0; i < 12; i++) await talk.read(0, LONGEST);
  await talk.nth(7); // each has sent its first piece
  expect(store.begun.length).toBe(8);
  reader.read();
  await store.operations(12);
});
