import { expect, test } from 'vitest';
import { MemoryStore } from '../../../src/target/memoryStore.ts';
import { hex, pattern } from './disk.ts';
import { GatedStore } from './gatedStore.ts';
import { Conversation, isR2t, isStatus, FIRST_STAT_SN } from './targetConversation.ts';

const DATA = pattern(40 * 512);

async function diskWith(data: Buffer): Promise<MemoryStore> {
  const store = new MemoryStore(1024 * 1024);
  await store.write(0, data);
  return store;
}

test('a write is asked for burst by burst, each with the next R2TSN, and then answered once', async () => {
  const store = new MemoryStore(1024 * 1024);
  const talk = new Conversation({ store });
  const tag = await talk.write(0, 40);
  await talk.answerR2t(await talk.nth(0), DATA);
  await talk.answerR2t(await talk.nth(1), DATA);
  await talk.answer(tag);

  expect(talk.sent.map(({ kind }) => kind)).toEqual(['r2t', 'r2t', 'scsiResponse']);
  const [first, second] = talk.sent.map(({ fields }) => fields);
  expect(first).toMatchObject({ r2tSN: 0, bufferOffset: 0, desiredDataTransferLength: 16384 });
  expect(second).toMatchObject({ r2tSN: 1, bufferOffset: 16384, desiredDataTransferLength: 4096 });
  expect(second!.targetTransferTag).not.toBe(first!.targetTransferTag);
  expect((await store.read(0, DATA.length)).equals(DATA)).toBe(true);
});

test('an R2T tells the next StatSN and uses none up', async () => {
  const talk = new Conversation();
  const tag = await talk.write(0, 8);
  const r2t = await talk.answer(tag, isR2t);
  await talk.answerR2t(r2t, DATA);
  const response = await talk.answer(tag);
  expect([r2t.fields.statSN, response.fields.statSN]).toEqual([FIRST_STAT_SN, FIRST_STAT_SN]);
});

test('data is cut at the MaxRecvDataSegmentLength of the initiator, F stands at the end of each burst', async () => {
  const talk = new Conversation({
    store: await diskWith(DATA),
    parameters: { maxRecvDataSegmentLength: { initiator: 6144, target: 262144 } },
  });
  const tag = await talk.read(0, 40);
  await talk.answer(tag);
  expect(
    talk.sent.map(({ fields, data }) => [fields.bufferOffset, data.length, fields.final, fields.hasStatus]),
  ).toEqual([
    [0, 6144, false, false],
    [6144, 6144, false, false],
    [12288, 4096, true, false],
    [16384, 4096, true, true],
  ]);
  expect(talk.sent.map(({ fields }) => fields.dataSN)).toEqual([0, 1, 2, 3]);
  expect(Buffer.concat(talk.sent.map(({ data }) => data)).equals(DATA)).toBe(true);
});

test('only the Data-In with the status has a StatSN, and it uses it up', async () => {
  const talk = new Conversation({ store: await diskWith(DATA) });
  await talk.answer(await talk.read(0, 40));
  expect(talk.sent.map(({ fields }) => fields.statSN)).toEqual([0, 0, FIRST_STAT_SN]);
  expect((await talk.ping()).fields.statSN).toBe(FIRST_STAT_SN + 1);
});

test('a read that announces more than it gets has an underflow', async () => {
  const talk = new Conversation();
  const tag = await talk.command(hex('12 00 00 0024 00'), { read: true, expectedDataTransferLength: 255 });
  expect((await talk.answer(tag)).fields).toMatchObject({
    underflow: true,
    overflow: false,
    residualCount: 219,
  });
});

test('a read that announces less than it gets has an overflow, and gets no more than it announced', async () => {
  const talk = new Conversation();
  const tag = await talk.read(0, 2, { expectedDataTransferLength: 512 });
  const { fields, data } = await talk.answer(tag);
  expect(data.length).toBe(512);
  expect(fields).toMatchObject({ overflow: true, underflow: false, residualCount: 512 });
});

test('a read that announces nothing gets no data, and an overflow', async () => {
  const talk = new Conversation();
  const tag = await talk.read(0, 1, { read: false, expectedDataTransferLength: 0 });
  const { kind, fields } = await talk.answer(tag);
  expect(kind).toBe('scsiResponse');
  expect(fields).toMatchObject({ status: 0, overflow: true, residualCount: 512 });
});

test('a write that announces more than its CDB needs has an underflow, and the excess is not written', async () => {
  const store = await diskWith(DATA);
  const talk = new Conversation({ store });
  const tag = await talk.write(0, 1, { expectedDataTransferLength: 1024 }, Buffer.alloc(1024));
  expect((await talk.answer(tag)).fields).toMatchObject({ status: 0, underflow: true, residualCount: 512 });
  expect((await store.read(512, 512)).equals(DATA.subarray(512, 1024))).toBe(true);
});

test('a write that announces less than its CDB needs has an overflow, and what came is written', async () => {
  const store = await diskWith(DATA);
  const talk = new Conversation({ store });
  const tag = await talk.write(0, 2, { expectedDataTransferLength: 512 }, Buffer.alloc(512));
  expect((await talk.answer(tag)).fields).toMatchObject({ status: 0, overflow: true, residualCount: 512 });
  const wanted = Buffer.concat([Buffer.alloc(512), DATA.subarray(512, 1024)]);
  expect((await store.read(0, 1024)).equals(wanted)).toBe(true);
});

test('a write beyond the end is refused without asking for its data', async () => {
  const talk = new Conversation({ store: new MemoryStore(512) });
  const tag = await talk.write(1, 8);
  const { fields, data } = await talk.answer(tag);
  expect(fields.status).toBe(2);
  expect(data.subarray(2).readUInt16BE(12)).toBe(0x2100); // LOGICAL BLOCK ADDRESS OUT OF RANGE
  expect(talk.sent.length).toBe(1);
});

test('a refused write first takes the data that is on its way unasked', async () => {
  const talk = new Conversation({ store: new MemoryStore(512) });
  const tag = await talk.write(1, 8, { final: false }, Buffer.alloc(512));
  expect(talk.sent).toEqual([]);
  await talk.dataOut(tag, Buffer.alloc(3584), { bufferOffset: 512 });
  expect((await talk.answer(tag)).fields.status).toBe(2);
  expect((await talk.ping()).kind).toBe('nopIn');
});

test('data that comes for a task that is over is dropped', async () => {
  const talk = new Conversation({ store: new MemoryStore(512) });
  const tag = await talk.write(1, 8);
  await talk.answer(tag);
  await talk.dataOut(tag, Buffer.alloc(512));
  await talk.ping();
  expect(talk.sent.map(({ kind }) => kind)).toEqual(['scsiResponse', 'nopIn']);
});

test('a Data-Out out of order ends its task with DATA PHASE ERROR, not the session', async () => {
  const talk = new Conversation();
  const tag = await talk.write(0, 8);
  const { targetTransferTag } = (await talk.answer(tag, isR2t)).fields;
  await talk.dataOut(tag, Buffer.alloc(512), { targetTransferTag, bufferOffset: 512 });
  const { fields, data } = await talk.answer(tag);
  expect([fields.status, data.subarray(2).readUInt16BE(12)]).toEqual([2, 0x4b00]);
  expect(await talk.dataOut(tag, Buffer.alloc(512), { targetTransferTag, dataSN: 1 })).toBe(true);
});

test('a Data-Out for a command that waits for none is rejected, and the command is answered once', async () => {
  const store = new GatedStore(1024 * 1024);
  store.shut();
  const talk = new Conversation({ store });
  const tag = await talk.read(0, 1);
  await talk.dataOut(tag, Buffer.alloc(512));
  store.open();
  await talk.answer(tag);
  await talk.ping();
  expect(talk.sent.filter(({ kind }) => kind === 'reject').map(({ fields }) => fields.reason)).toEqual([4]);
  expect(talk.sent.filter(isStatus).length).toBe(1);
});

test('sense data comes with its length in front', async () => {
  const talk = new Conversation();
  const { data } = await talk.answer(await talk.command(hex('ff')));
  expect([data.readUInt16BE(), data.length, data[2]]).toEqual([18, 20, 0x70]);
});

test('an absent LUN refuses a write and answers INQUIRY, REPORT LUNS answers at every LUN', async () => {
  const talk = new Conversation();
  const lun = hex('0005000000000000');
  expect((await talk.answer(await talk.write(0, 1, { lun }))).fields.status).toBe(2);
  const read = { read: true, expectedDataTransferLength: 64, lun };
  expect((await talk.answer(await talk.command(hex('12 00 00 0024 00'), read))).data[0]).toBe(0x7f);
  const luns = await talk.answer(await talk.command(hex('a0 00 00 000000 00000040 00 00'), read));
  expect(luns.data.readUInt32BE()).toBe(8);
});
