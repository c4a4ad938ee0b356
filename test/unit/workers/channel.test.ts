import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { Failure } from '../../../src/failures.ts';
import { Channel, type Calls, type ChannelOptions } from '../../../src/workers/channel.ts';
import type { Link } from '../../../src/workers/link.ts';
import { pairOfLinks } from '../../support/links.ts';

const calls = {
  double: { body: z.number(), answer: z.number() },
  fail: { body: z.void(), answer: z.void() },
  never: { body: z.void(), answer: z.void() },
  lie: { body: z.void(), answer: z.number() },
} as const;

const open = <M extends Calls, T extends Calls>(link: Link, options: ChannelOptions<M, T>): Channel<M, T> =>
  new Channel(link, options);

function start() {
  const [near, far] = pairOfLinks();
  onTestFinished(() => near.close());
  const broken: string[] = [];
  const failure = new Failure('too_many_sessions', 'there are 2');
  const handlers = {
    double: (value: number) => 2 * value,
    fail: () => {
      throw failure;
    },
    never: () => new Promise<void>(() => {}),
    lie: () => 'seven' as unknown as number,
  };
  const onBroken = (error: Error): void => void broken.push(error.message);
  open(far, { asks: {}, answers: calls, handlers, onBroken });
  const channel = open(near, { asks: calls, answers: {}, handlers: {}, onBroken });
  return { channel, near, far, broken, failure };
}

/** The other end without a channel: it says what a test makes it say. */
function startAlone(): { far: Link; broken: Promise<string> } {
  const [near, far] = pairOfLinks();
  onTestFinished(() => near.close());
  far.onMessage(() => {});
  const broken = new Promise<string>((resolve) => {
    const onBroken = (error: Error): void => resolve(error.message);
    open(near, { asks: {}, answers: calls, handlers: HANDLERS, onBroken });
  });
  return { far, broken };
}

const ignore = (): void => {};
const HANDLERS = { double: () => 0, fail: () => {}, never: () => {}, lie: () => 0 };

test('every question has its own answer', async () => {
  const { channel } = start();
  const asked = [1, 2, 3].map((value) => channel.ask('double', value, 1000));
  expect(await Promise.all(asked)).toEqual([2, 4, 6]);
});

test('a failure crosses with its reason, its message and what the peer is told', async () => {
  const { channel, failure } = start();
  const { reason, message, wire } = failure;
  await expect(channel.ask('fail', undefined, 1000)).rejects.toMatchObject({ reason, message, wire });
});

test('a question that nobody answers in time fails', async () => {
  const { channel } = start();
  await expect(channel.ask('never', undefined, 1)).rejects.toMatchObject({ reason: 'worker_lost' });
});

test('when the other side goes, whoever waits hears of it, and so does whoever asks later', async () => {
  const { channel, near } = start();
  const waiting = channel.ask('never', undefined, 60_000);
  near.close();
  await expect(waiting).rejects.toMatchObject({ reason: 'worker_lost' });
  await expect(channel.ask('double', 1, 60_000)).rejects.toMatchObject({ reason: 'worker_lost' });
});

test('an answer of the wrong shape fails the question, and the channel', async () => {
  const { channel, broken } = start();
  await expect(channel.ask('lie', undefined, 1000)).rejects.toMatchObject({ reason: 'worker_lost' });
  expect(broken[0]).toContain('the answer to lie');
});

test.each([
  ['no message at all', 'hello', 'a message'],
  ['a message with more in it', { kind: 'tell', what: 'double', body: 1, more: 1 }, 'a message'],
  ['a call that there is not', { kind: 'tell', what: 'halve', body: 1 }, 'halve'],
  ['a name that every object has', { kind: 'ask', id: 1, what: 'constructor', body: 1 }, 'constructor'],
  ['a body of another shape', { kind: 'ask', id: 1, what: 'double', body: 'one' }, 'double'],
  [
    'a failure that there is not',
    { kind: 'failed', id: 1, failure: { reason: 'x', message: '', wire: 1 } },
    'a message',
  ],
])('%s breaks the channel', async (_, message, what) => {
  const { far, broken } = startAlone();
  far.send(typeof message === 'string' ? message : [message]);
  expect(await broken).toMatch(new RegExp(`^${what}: `));
});

test('an answer that comes too late is nothing to anybody', async () => {
  const { channel, far, broken } = start();
  far.send([{ kind: 'answer', id: 999, body: 1 }]);
  expect(await channel.ask('double', 4, 1000)).toBe(8);
  expect(broken).toEqual([]);
});

test('a fault of ours crosses with its stack, for the log', async () => {
  const [near, far] = pairOfLinks();
  onTestFinished(() => near.close());
  const handlers = {
    ...HANDLERS,
    fail: () => {
      throw new TypeError('not a function');
    },
  };
  open(far, { asks: {}, answers: calls, handlers, onBroken: ignore });
  const channel = open(near, { asks: calls, answers: {}, handlers: {}, onBroken: ignore });
  const failed = channel.ask('fail', undefined, 1000);
  await expect(failed).rejects.toMatchObject({
    reason: 'internal_error',
    stack: expect.stringContaining('channel.test.ts'),
  });
});

test('what is told comes in its order, together, and before what is asked later', async () => {
  const [near, far] = pairOfLinks();
  onTestFinished(() => near.close());
  const heard: number[] = [];
  const handlers = {
    ...HANDLERS,
    double: (value: number) => {
      heard.push(value);
      return 2 * value;
    },
  };
  open(far, { asks: {}, answers: calls, handlers, onBroken: ignore });
  let sent = 0;
  const counted: Link = {
    ...near,
    send: (message, socket) => {
      sent++;
      near.send(message, socket);
    },
    onMessage: (listener) => near.onMessage(listener),
    onClose: (listener) => near.onClose(listener),
    close: () => near.close(),
  };
  const channel = open(counted, { asks: calls, answers: {}, handlers: {}, onBroken: ignore });
  for (const value of [1, 2, 3]) channel.tell('double', value);
  await channel.ask('double', 4, 1000);
  expect([heard, sent]).toEqual([[1, 2, 3, 4], 1]);
});
