import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { bridge, type BridgeEnd, type BridgeOptions } from '../../../src/transport/bridge.ts';
import { Outflow } from '../../../src/transport/outflow.ts';
import { socketPair } from '../../support/loopback.ts';
import { tlsPair } from '../../support/tlsPair.ts';

const NOTHING = Buffer.alloc(0);

interface Joined {
  /** What the peers hold; the bridge has the other ends. */
  readonly initiator: Socket;
  readonly target: Socket;
  readonly a: Socket;
  readonly b: Socket;
  readonly ended: Promise<BridgeEnd>;
}

async function joined(options: Partial<Omit<BridgeOptions, 'onEnd'>> = {}): Promise<Joined> {
  const [initiator, a] = await socketPair();
  const [target, b] = await socketPair();
  for (const peer of [initiator, target]) peer.on('error', () => {});
  const [toA, toB] = [new Outflow(a), new Outflow(b)];
  const ended = new Promise<BridgeEnd>((resolve) => {
    bridge(toA, toB, {
      fromA: (chunk) => toB.write(chunk),
      fromB: (chunk) => toA.write(chunk),
      first: { a: NOTHING, b: NOTHING },
      onEnd: resolve,
      ...options,
    });
  });
  return { initiator, target, a, b, ended };
}

/** Everything that the socket receives until the other side ends. */
async function received(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'end');
  return Buffer.concat(chunks).toString();
}

async function heard(socket: Socket): Promise<string> {
  return String((await once(socket, 'data'))[0]);
}

test('what one side sends reaches the other, both ways', async () => {
  const { initiator, target } = await joined();
  initiator.write('question');
  expect(await heard(target)).toBe('question');
  target.write('answer');
  expect(await heard(initiator)).toBe('answer');
});

test('what was read before goes first', async () => {
  const { initiator, target } = await joined({ first: { a: Buffer.from('one'), b: Buffer.from('eins') } });
  const atTarget = received(target);
  initiator.end('two');
  expect(await atTarget).toBe('onetwo');
  const { initiator: other, target: otherTarget } = await joined({
    first: { a: NOTHING, b: Buffer.from('eins') },
  });
  const atInitiator = received(other);
  otherTarget.end('zwei');
  expect(await atInitiator).toBe('einszwei');
});

test("the initiator's end ends the target's connection, and what was written still goes out", async () => {
  const { initiator, target, ended } = await joined();
  const atTarget = received(target);
  initiator.end('logout');
  expect(await atTarget).toBe('logout');
  expect(await ended).toEqual({ by: 'a' });
});

test("the target's end ends the initiator's connection, however much is still on the way", async () => {
  const { initiator, target, ended } = await joined();
  const much = 'x'.repeat(8 * 1024 * 1024);
  initiator.pause();
  target.end(much);
  const atInitiator = received(initiator);
  initiator.resume();
  expect(await atInitiator).toHaveLength(much.length);
  expect(await ended).toEqual({ by: 'b' });
});

test('what the initiator has not read when the target ends still goes out', async () => {
  const piece = Buffer.alloc(8192);
  let written = 0;
  const { initiator, target, a, b } = await joined({
    // until the platform takes no more and a piece waits here
    fromB: () => {
      for (; a.writableLength === 0; written += piece.length) a.write(piece);
    },
  });
  target.end('go');
  await once(b, 'close');
  const atInitiator = received(initiator);
  initiator.resume();
  expect(await atInitiator).toHaveLength(written);
});

test.each(['a', 'b'] as const)('a reset by the peer of %s is an end like any other', async (by) => {
  const { initiator, target, ended } = await joined();
  const [gone, other] = by === 'a' ? [initiator, target] : [target, initiator];
  const otherEnded = once(other, 'end');
  other.resume();
  gone.resetAndDestroy();
  await otherEnded;
  expect(await ended).toEqual({ by });
});

test('a chunk that is refused ends both sides, and says why', async () => {
  const error = new Error('refused');
  const { initiator, target, ended } = await joined({
    fromA: () => {
      throw error;
    },
  });
  const closed = Promise.all([once(initiator, 'close'), once(target, 'close')]);
  initiator.resume();
  target.resume();
  initiator.write('question');
  expect(await ended).toEqual({ by: 'a', error });
  await closed;
});

test('what was read before and is refused ends both sides', async () => {
  const error = new Error('refused');
  const { ended } = await joined({
    first: { a: Buffer.from('question'), b: NOTHING },
    fromA: () => {
      throw error;
    },
  });
  expect(await ended).toEqual({ by: 'a', error });
});

test.each(['a', 'b'] as const)('side %s, closed before the bridge has it, ends the other', async (by) => {
  const [initiator, a] = await socketPair();
  const [target, b] = await socketPair();
  const [gone, kept] = by === 'a' ? [a, target] : [b, initiator];
  gone.destroy();
  await once(gone, 'close');
  const otherEnded = once(kept, 'end');
  kept.resume();
  const end = await new Promise<BridgeEnd>((onEnd) => {
    bridge(new Outflow(a), new Outflow(b), {
      fromA: () => {},
      fromB: () => {},
      first: { a: NOTHING, b: NOTHING },
      onEnd,
    });
  });
  expect(end).toEqual({ by });
  await otherEnded;
});

test.each(['a', 'b'] as const)(
  'while the far side does not read, nothing more is read from %s',
  async (by) => {
    const { initiator, target, a, b } = await joined();
    const [sender, reader, from, to] = by === 'a' ? [initiator, target, a, b] : [target, initiator, b, a];
    reader.pause();
    const paused = once(from, 'pause');
    const chunk = Buffer.alloc(1 << 20, 'x');
    const chunks = 64;
    for (let i = 0; i < chunks; i++) sender.write(chunk);
    await paused;
    expect(from.isPaused()).toBe(true);
    // What waits here is about what was read at once, not what the peer wants to send.
    expect(to.writableLength).toBeLessThan(4 * chunk.length);
    expect(sender.writableLength).toBeGreaterThan(0);

    let length = 0;
    const all = new Promise<void>((resolve) => {
      reader.on('data', (data: Buffer) => {
        length += data.length;
        if (length === chunks * chunk.length) resolve();
      });
    });
    reader.resume();
    await all;
    expect(from.isPaused()).toBe(false);
  },
);

test.each(['a', 'b'] as const)('that %s is not read is told, and that it is again', async (by) => {
  const told: string[] = [];
  const { initiator, target, a, b } = await joined({
    onPause: (side) => void told.push(`${side} paused`),
    onResume: (side) => void told.push(`${side} resumed`),
  });
  const [sender, reader, from] = by === 'a' ? [initiator, target, a] : [target, initiator, b];
  const paused = once(from, 'pause');
  sender.write(Buffer.alloc(32 << 20));
  await paused;
  expect(told).toEqual([`${by} paused`]);
  const resumed = once(from, 'resume');
  reader.resume();
  await resumed;
  expect(told.slice(0, 2)).toEqual([`${by} paused`, `${by} resumed`]);
});

test('one slow direction does not stop the other', async () => {
  const { initiator, target, a } = await joined();
  target.pause();
  const paused = once(a, 'pause');
  for (let i = 0; i < 64; i++) initiator.write(Buffer.alloc(1 << 20));
  await paused;
  target.write('answer');
  expect(await heard(initiator)).toBe('answer');
});

test('records of TLS that come together go on as one', async () => {
  const [a, initiator] = await tlsPair();
  const [target, b] = await socketPair();
  const [toA, toB] = [new Outflow(a), new Outflow(b)];
  bridge(toA, toB, {
    fromA: (chunk) => toB.write(chunk),
    fromB: (chunk) => toA.write(chunk),
    first: { a: NOTHING, b: NOTHING },
    onEnd: () => {},
  });
  const write = vi.spyOn(b, 'write');
  await setImmediate(); // it is read by now
  a.pause(); // two records, and both are there when it is read again
  initiator.setNoDelay(true).write('one');
  await new Promise((resolve) => initiator.write('two', resolve));
  a.resume();
  expect(await heard(target)).toBe('onetwo');
  expect(write).toHaveBeenCalledTimes(1);
});
