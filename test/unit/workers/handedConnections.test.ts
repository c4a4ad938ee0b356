import { expect, test } from 'vitest';
import { Failure } from '../../../src/failures.ts';
import { HandedConnections } from '../../../src/workers/handedConnections.ts';

/** A worker that answers when the test says so. */
function start() {
  const dropped: number[] = [];
  const refused: Failure[] = [];
  const state = { isGone: false };
  const connections = new HandedConnections<string>({
    worker: 2,
    drop: (connection) => void dropped.push(connection),
    isGone: () => state.isGone,
  });
  const hand = (kept: string) => {
    let answer!: (hasCome: boolean) => void;
    let fail!: (error: Error) => void;
    const answered = new Promise<boolean>((resolve, reject) => {
      answer = resolve;
      fail = reject;
    });
    const take = { connection: 0, deadlineMs: 0 };
    connections.hand(
      kept,
      (connection, deadlineMs) => {
        Object.assign(take, { connection, deadlineMs });
        return answered;
      },
      (failure) => void refused.push(failure),
    );
    return { ...take, answer, fail };
  };
  return { connections, dropped, refused, state, hand };
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
