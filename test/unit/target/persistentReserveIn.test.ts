import { beforeEach, expect, test } from 'vitest';
import { PORT_A, PORT_B } from './disk.ts';
import { Action, SharedDisk } from './sharedDisk.ts';

let disk: SharedDisk;
beforeEach(() => {
  disk = new SharedDisk();
});

test('READ FULL STATUS names each registrant by its iSCSI TransportID', async () => {
  await disk.register(PORT_A, 0xa);
  await disk.register(PORT_B, 0xb);
  await disk.out(PORT_A, Action.reserve, { key: 0xa, type: 1 });
  const data = await disk.in(3);
  expect(data.length).toBe(8 + data.readUInt32BE(4));
  const first = data.subarray(8);
  expect(first.readBigUInt64BE()).toBe(0xan);
  expect([first[12], first[13]]).toEqual([1, 1]);
  const length = first.readUInt32BE(20);
  const transportId = first.subarray(24, 24 + length);
  expect(transportId[0]).toBe(0x45);
  expect(transportId.readUInt16BE(2)).toBe(length - 4);
  expect(transportId.subarray(4).toString('latin1').replace(/\0+$/, '')).toBe(PORT_A);
  expect(length % 4).toBe(0);
  const second = first.subarray(24 + length);
  expect([second.readBigUInt64BE(), second[12]]).toEqual([0xbn, 0]);
});

test('READ KEYS keeps its full length when the allocation length cuts it', async () => {
  await disk.register(PORT_A, 0xa);
  const data = await disk.in(0, 8);
  expect(data.length).toBe(8);
  expect(data.readUInt32BE(4)).toBe(8);
});

test('REPORT CAPABILITIES offers all six types and no persistence', async () => {
  const data = await disk.in(2);
  expect(data.toString('hex')).toBe('00080480ea010000');
});
