import { expect, test } from 'vitest';
import { Disk, outcome, PORT_A, PORT_B, read16 } from './disk.ts';

const RESET = '6/2903';

test('a reset is told to every nexus once, however often it came, and INQUIRY does not wait for it', async () => {
  const disk = new Disk();
  for (const port of [PORT_A, PORT_B]) expect(outcome(await disk.send('00', undefined, port))).toBe('good');
  disk.lu.reset();
  disk.lu.reset();
  expect(outcome(await disk.send('12 00 00 0024 00'))).toBe('good');
  for (const port of [PORT_A, PORT_B]) {
    expect(outcome(await disk.send(read16(0, 1), undefined, port))).toBe(RESET);
    expect(outcome(await disk.send(read16(0, 1), undefined, port))).toBe('good');
  }
});

test('REQUEST SENSE returns a pending unit attention as data and clears it', async () => {
  const disk = new Disk();
  await disk.send('00');
  disk.lu.reset();
  const { status, dataIn } = await disk.send('03 00 0000 ff 00');
  expect(status).toBe(0);
  expect([dataIn![2], dataIn!.readUInt16BE(12)]).toEqual([6, 0x2903]);
  expect((await disk.send('03 00 0000 ff 00')).dataIn![2]).toBe(0);
});

test('a nexus that ended is not told of a reset when it comes back', async () => {
  const disk = new Disk();
  await disk.send('00');
  disk.lu.nexusLost(PORT_A);
  disk.lu.reset();
  expect(outcome(await disk.send('00'))).toBe('good');
});
