import { once } from 'node:events';
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { ChunkReader } from '../../../src/transport/chunkReader.ts';
import { readTo } from '../../../src/transport/lentReads.ts';
import { socketPair } from '../../support/loopback.ts';
import { tlsPair } from '../../support/tlsPair.ts';

const MIB = 1024 * 1024;

type Pair = () => Promise<[socket: Socket, peer: Socket]>;

const SOCKETS: [string, Pair][] = [
  ['a socket that was dialled', () => socketPair()],
  ['a socket that was accepted', async () => swapped(await socketPair())],
  ['a TLS socket that was dialled', async () => swapped(await tlsPair())],
  ['a TLS socket that was accepted', () => tlsPair()],
];

function swapped<T>([near, far]: [T, T]): [T, T] {
  return [far, near];
}

/** Resolves with all that the socket flows to, when so much has come. */
function flows(socket: Socket, length: number): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    readTo(socket, (chunk) => {
      chunks.push(Buffer.from(chunk));
      bytes += chunk.length;
      if (bytes === length) resolve(Buffer.concat(chunks));
    });
  });
}

test.each(SOCKETS)('%s gives every chunk in the same memory', async (_, pair) => {
  const [socket, peer] = await pair();
  const seen = new Set<ArrayBufferLike>();
  let bytes = 0;
  const all = new Promise<void>((resolve) => {
    readTo(socket, (chunk) => {
      seen.add(chunk.buffer);
      bytes += chunk.length;
      if (bytes === 4 * MIB) resolve();
    });
  });
  peer.write(Buffer.alloc(4 * MIB));
  await all;
  expect(seen.size).toBe(1);
});

test.each(SOCKETS)('%s is read like any other until it flows', async (_, pair) => {
  const [socket, peer] = await pair();
  peer.write('login');
  const reader = new ChunkReader(socket);
  expect(String(await reader.next())).toBe('login');
});

test.each(SOCKETS)('of %s, what it holds when it begins to flow comes first', async (_, pair) => {
  const [socket, peer] = await pair();
  peer.write('one');
  await once(socket, 'readable');
  const flowed = flows(socket, 6);
  peer.write('two');
  expect(String(await flowed)).toBe('onetwo');
});

test.each(SOCKETS)('chunks of two that flow at once do not mix: %s', async (_, pair) => {
  const pairs = [await pair(), await pair()];
  const flowed = pairs.map(([socket]) => flows(socket, 8 * MIB));
  for (const [index, [, peer]] of pairs.entries()) peer.write(Buffer.alloc(8 * MIB, index + 1));
  for (const [index, bytes] of (await Promise.all(flowed)).entries()) {
    expect(bytes.equals(Buffer.alloc(8 * MIB, index + 1))).toBe(true);
  }
});

test.each(SOCKETS)('of %s nothing is read while it is paused, and nothing is lost', async (_, pair) => {
  const [socket, peer] = await pair();
  const length = 16 * MIB;
  const flowed = flows(socket, length);
  socket.pause();
  peer.write(Buffer.alloc(length, 7));
  expect(peer.writableLength).toBeGreaterThan(0);
  expect(socket.readableLength).toBe(0);
  socket.resume();
  expect((await flowed).equals(Buffer.alloc(length, 7))).toBe(true);
});

test.each(SOCKETS)('of %s the end is heard behind the last bytes', async (_, pair) => {
  const [socket, peer] = await pair();
  const flowed = flows(socket, 4);
  peer.end('last');
  await once(socket, 'end');
  expect(String(await flowed)).toBe('last');
});

test('a read into a chunk that is still being taken ends the socket, and the chunk stays as it is', async () => {
  const [socket, peer] = await socketPair();
  const [other] = await socketPair();
  readTo(other, () => {});
  const error = once(other, 'error');
  const taken = new Promise<string>((resolve) => {
    readTo(socket, (chunk) => {
      expect(readBehindNode(other, 3)).toBe(false);
      resolve(String(chunk));
    });
  });
  peer.write('good');
  expect(String((await error)[0])).toContain('still being taken');
  expect(await taken).toBe('good');
});

/** Does as Node does behind a read of so many bytes. */
function readBehindNode(socket: Socket, length: number): unknown {
  const fields = socket as Socket & Record<symbol, unknown>;
  const symbol = Object.getOwnPropertySymbols(fields).find(({ description }) => description === 'kBufferCb');
  return (fields[symbol!] as (length: number) => unknown)(length);
}
