import { once } from 'node:events';
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { Outflow } from '../../../src/transport/outflow.ts';
import { socketPair } from '../../support/loopback.ts';
import { tlsPair } from '../../support/tlsPair.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

type Pair = () => Promise<[near: Socket, far: Socket]>;

const PAIRS: [string, Pair][] = [
  ['a plain socket', async () => socketPair()],
  ['a TLS socket', async () => tlsPair()],
];

async function outflow(pair: Pair): Promise<{ out: Outflow; near: Socket; far: Socket }> {
  const [near, far] = await pair();
  return { out: new Outflow(near), near, far };
}

/** Bytes that tell where they stand. */
function counted(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 4) bytes.writeUInt32BE(at, at);
  return bytes;
}

/** Resolves with the first bytes that come, as many as are asked for. */
function takes(far: Socket, length: number): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    far.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= length) resolve(Buffer.concat(chunks));
    });
  });
}

test.each(PAIRS)('over %s, what is written and not flushed goes out all the same', async (_, pair) => {
  const { out, far } = await outflow(pair);
  out.write(Buffer.from('word'));
  expect(String(await takes(far, 4))).toBe('word');
});

test.each(PAIRS)("over %s, bytes are the caller's again when write returns", async (_, pair) => {
  const { out, far } = await outflow(pair);
  const all = counted(3 * MIB);
  const lent = Buffer.alloc(100 * KIB);
  const received = takes(far, all.length);
  for (let at = 0; at < all.length; at += lent.length) {
    const length = all.copy(lent, 0, at);
    out.write(lent.subarray(0, length));
    lent.fill(0xee);
  }
  out.flush();
  expect((await received).equals(all)).toBe(true);
});

test('what comes while a write is under way goes out behind it as one', async () => {
  const { out, near, far } = await outflow(async () => tlsPair());
  const written: number[] = [];
  const write = near.write.bind(near) as (bytes: Buffer, done: (error?: Error) => void) => boolean;
  near.write = ((bytes: Buffer, done: (error?: Error) => void) => {
    written.push(bytes.length);
    return write(bytes, done);
  }) as Socket['write'];
  for (const word of ['one', 'two', 'three']) out.write(Buffer.from(word));
  expect(String(await takes(far, 11))).toBe('onetwothree');
  expect(written).toEqual([3, 8]);
});

test('what is written in one turn of the event loop goes out as one', async () => {
  const { out, near, far } = await outflow(async () => socketPair());
  for (const word of ['one', 'two', 'three']) out.write(Buffer.from(word));
  expect(near.bytesWritten).toBe(0);
  expect(String((await once(far, 'data'))[0])).toBe('onetwothree');
});

test('a full buffer goes out at once', async () => {
  const { out, near } = await outflow(async () => socketPair());
  for (let i = 0; i < 17; i++) out.write(Buffer.alloc(16 * KIB));
  expect(near.bytesWritten).toBe(256 * KIB);
});

test.each(PAIRS)(
  'over %s, it is full when its peer does not read, and drains when it does',
  async (_, pair) => {
    const { out, far } = await outflow(pair);
    far.pause();
    const drained = new Promise<void>((resolve) => (out.onDrain = resolve));
    const piece = Buffer.alloc(64 * KIB);
    let written = 0;
    for (; !out.isFull; written += piece.length) out.write(piece);
    const received = takes(far, written);
    far.resume();
    await drained;
    expect(out.isFull).toBe(false);
    expect(await received).toHaveLength(written);
  },
);

test.each(PAIRS)("over %s, all that was gathered is the socket's after end", async (_, pair) => {
  const { out, near, far } = await outflow(pair);
  const all = counted(MIB);
  for (let at = 0; at < all.length; at += 64 * KIB) out.write(all.subarray(at, at + 64 * KIB));
  out.end();
  near.end();
  expect((await takes(far, all.length)).equals(all)).toBe(true);
});

test('a buffer is not used again while the platform still reads it', async () => {
  const { out, far } = await outflow(async () => socketPair());
  const other = await outflow(async () => socketPair());
  far.pause();
  const all = counted(8 * MIB);
  for (let at = 0; at < all.length; at += 256 * KIB) {
    out.write(all.subarray(at, at + 256 * KIB));
    out.flush();
    other.out.write(Buffer.alloc(200 * KIB, 0xee));
    other.out.flush();
  }
  other.far.resume();
  far.resume();
  expect((await takes(far, all.length)).equals(all)).toBe(true);
});

test('a socket that is gone takes what is written to it without a word', async () => {
  const { out, near } = await outflow(async () => socketPair());
  near.on('error', () => {});
  near.destroy();
  await once(near, 'close');
  expect(() => {
    out.write(Buffer.alloc(MIB));
    out.end();
  }).not.toThrow();
});
