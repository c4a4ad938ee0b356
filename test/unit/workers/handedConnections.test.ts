import { afterEach, expect, test, vi } from 'vitest';
import { Failure } from '../../../src/failures.ts';
import { HandedConnections } from '../../../src/workers/handedConnections.ts';

afterEach(() => vi.useRealTimers());

/** A worker that answers when the test says so. */
function start() {
  const dropped: number[] = [];
  const drops: (() => void)[] = [];
  const refused: Failure[] = [];
  const state = { isGone: false };
  const connections = new HandedConnections<string>({
    worker: 2,
    drop: (connection) => {
      dropped.push(connection);
      return new Promise((resolve) => drops.push(resolve));
    },
    isGone: () => state.isGone,
  });
  const hand = (kept: string) => {
    let answer!: (hasCome: boolean) => void;
    let fail!: (error: Error) => void;
    const answered = new Promise<boolean>((resolve, reject) => {
      answer = resolve;
      fail = reject;
    });
    const handed = { connection: 0, deadlineMs: 0, answer, fail };
    connections.hand(
      kept,
      (connection, deadlineMs) => {
        Object.assign(handed, { connection, deadlineMs });
        return answered;
      },
      (failure) => void refused.push(failure),
    );
    return handed;
  };
  return { connections, dropped, drops, refused, state, hand };
}

const heard = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const LATE = new Failure('worker_lost', 'no answer to "take" within 10 s');

test('what a worker has taken is kept until it has ended', async () => {
  const { connections, refused, hand } = start();
  const { connection, answer } = hand('first');
  answer(true);
  await heard();
  expect([connections.size, connections.get(connection)]).toEqual([1, 'first']);
  expect(connections.remove(connection)).toBe('first');
  expect([connections.size, connections.remove(connection), refused]).toEqual([0, undefined, []]);
});

test('one that is not taken in time is forgotten, told of, and dropped by the worker should it have it', async () => {
  const { connections, dropped, refused, hand } = start();
  const { connection, deadlineMs, fail } = hand('first');
  expect(deadlineMs).toBe(10_000);
  fail(LATE);
  await heard();
  expect([connections.size, dropped]).toEqual([0, [connection]]);
  expect(refused).toMatchObject([{ reason: 'not_taken', wire: 'close' }]);
  expect(refused[0]!.message).toMatch(
    /^worker 2 did not take the connection: no answer to "take" within 10 s/,
  );
});

test('one that came without its socket is refused at once', async () => {
  const { connections, refused, hand } = start();
  hand('first').answer(false);
  await heard();
  expect([connections.size, refused.length]).toEqual([0, 1]);
});

test('one that ended before the worker said that it is there is over', async () => {
  const { connections, dropped, refused, hand } = start();
  const { connection, fail } = hand('first');
  connections.remove(connection);
  fail(LATE);
  await heard();
  expect([dropped, refused]).toEqual([[], []]);
});

test('of a worker that has gone nothing is given up one by one: all goes when it is lost', async () => {
  const { connections, dropped, refused, state, hand } = start();
  const { fail } = hand('first');
  hand('second').answer(true);
  state.isGone = true;
  fail(new Failure('worker_lost', 'the other process has gone'));
  await heard();
  expect([dropped, refused]).toEqual([[], []]);
  expect(connections.clear()).toEqual(['first', 'second']);
  expect(connections.size).toBe(0);
});

test('two are under way, the others wait, and each that was taken makes room for the next', async () => {
  const { connections, hand } = start();
  const handed = ['first', 'second', 'third', 'fourth'].map(hand);
  const sent = () => handed.map(({ connection }) => connection > 0);
  expect([sent(), connections.size]).toEqual([[true, true, false, false], 4]);
  handed[0]!.answer(true);
  await heard();
  expect(sent()).toEqual([true, true, true, false]);
  handed[1]!.answer(false);
  await heard();
  expect(sent()).toEqual([true, true, true, true]);
});

test('the time of one that waits counts from when it arrived', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const { connections, dropped, refused, hand } = start();
  const [first, , third, fourth] = ['first', 'second', 'third', 'fourth'].map(hand);
  await vi.advanceTimersByTimeAsync(7000);
  first!.answer(true);
  await heard();
  expect([third!.deadlineMs, fourth!.deadlineMs]).toEqual([3000, 0]);
  await vi.advanceTimersByTimeAsync(3000);
  expect(refused).toMatchObject([{ reason: 'not_taken', wire: 'close' }]);
  expect(refused[0]!.message).toMatch(/^worker 2 did not take the connection: it waited 10 s behind others/);
  expect([connections.size, dropped]).toEqual([3, []]); // the worker has not heard of it
  third!.answer(true);
  await heard();
  expect(fourth!.connection).toBe(0);
});

test('what was given up is under way until the worker has read that', async () => {
  const { drops, hand } = start();
  const [first, , third] = ['first', 'second', 'third'].map(hand);
  first!.fail(LATE);
  await heard();
  expect(third!.connection).toBe(0);
  drops[0]!();
  await heard();
  expect(third!.connection).toBe(3);
});

test('what was not sent yet is refused when the worker is lost, and not among what it had', () => {
  const { connections, refused, state, hand } = start();
  for (const kept of ['first', 'second', 'third']) hand(kept);
  state.isGone = true;
  expect(connections.clear()).toEqual(['first', 'second']);
  expect(refused).toMatchObject([{ reason: 'worker_lost', wire: 'close' }]);
});

test('it is known when the worker last failed to take one', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const { connections, hand } = start();
  hand('first').answer(true);
  await heard();
  expect(connections.notTakenAt).toBeUndefined();
  hand('second').answer(false);
  await heard();
  expect(connections.notTakenAt).toBe(performance.now());
});
