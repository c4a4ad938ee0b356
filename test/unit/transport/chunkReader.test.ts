import { once } from 'node:events';
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { ChunkReader } from '../../../src/transport/chunkReader.ts';
import { socketPair } from '../../support/loopback.ts';

test('chunks come as they were sent, then the end, again and again', async () => {
  const [near, far] = await socketPair();
  const reader = new ChunkReader(far);
  const first = reader.next();
  near.write('one');
  expect((await first)!.toString()).toBe('one');
  near.end('two');
  expect((await reader.next())!.toString()).toBe('two');
  expect(await reader.next()).toBeUndefined();
  expect(await reader.next()).toBeUndefined();
});

test('what is put back is read first', async () => {
  const [near, far] = await socketPair();
  const reader = new ChunkReader(far);
  near.write('three');
  await once(far, 'readable');
  reader.unread(Buffer.from('two'));
  reader.unread(Buffer.from('one'));
  reader.unread(Buffer.alloc(0));
  const read = [await reader.next(), await reader.next(), await reader.next()];
  expect(read.map(String)).toEqual(['one', 'two', 'three']);
});

test("a reader that waits hears the socket's error", async () => {
  const [, far] = await socketPair();
  const reader = new ChunkReader(far);
  const next = reader.next();
  far.destroy(new Error('broken'));
  await expect(next).rejects.toThrow('broken');
});

test('a reader that waits hears that the socket was destroyed', async () => {
  const [, far] = await socketPair();
  const next = new ChunkReader(far).next();
  far.destroy();
  expect(await next).toBeUndefined();
});

test('what is not asked for stays with the peer', async () => {
  const [near, far] = await socketPair();
  const reader = new ChunkReader(far);
  const sent = 16 * 1024 * 1024;
  near.write(Buffer.alloc(sent), () => {});
  expect((await reader.next())!.length).toBeGreaterThan(0);
  await once(far, 'readable');
  expect(far.readableLength).toBeLessThan(1024 * 1024);
  expect(near.writableLength).toBeGreaterThan(0);
});

test('the socket is given back with what was not read', async () => {
  const [near, far] = await socketPair();
  const reader = new ChunkReader(far);
  near.write('one');
  await reader.next();
  reader.unread(Buffer.from('two'));
  reader.unread(Buffer.from('one'));
  expect(reader.detach().toString()).toBe('onetwo');
  const data = once(far, 'data');
  near.write('three');
  expect(String((await data)[0])).toBe('three');
});

test.each([
  ['bytes', 'says something', (near: Socket) => void near.write('word')],
  ['end', 'ends', (near: Socket) => void near.end()],
  ['end', 'breaks', (near: Socket) => void near.resetAndDestroy()],
])('%s come first from a peer that %s, and nothing is read', async (what, _, act) => {
  const [near, far] = await socketPair();
  const reader = new ChunkReader(far);
  const first = reader.comesFirst(2 ** 30);
  act(near);
  expect(await first).toBe(what);
  expect(String((await reader.next()) ?? 'over')).toBe(what === 'bytes' ? 'word' : 'over');
});

test('what was put back comes first', async () => {
  const reader = new ChunkReader((await socketPair())[1]);
  reader.unread(Buffer.from('word'));
  expect(await reader.comesFirst(2 ** 30)).toBe('bytes');
});

test('from a peer that says nothing comes nothing, and it is not listened to twice', async () => {
  const [near, far] = await socketPair();
  const reader = new ChunkReader(far);
  const listeners = far.listenerCount('readable');
  expect(await reader.comesFirst(1)).toBe('nothing');
  expect(far.listenerCount('readable')).toBe(listeners);
  near.write('word');
  expect(String(await reader.next())).toBe('word');
});
