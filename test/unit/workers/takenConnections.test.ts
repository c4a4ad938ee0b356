import { once } from 'node:events';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { TakenConnections } from '../../../src/workers/takenConnections.ts';

function start() {
  const ended: number[] = [];
  const served: Socket[] = [];
  const connections = new TakenConnections((connection) => void ended.push(connection));
  const take = (connection: number, socket?: Socket): boolean =>
    connections.take(connection, socket, (socket) => void served.push(socket));
  return { connections, ended, served, take };
}

test('what has come is served, and told of when it has ended', async () => {
  const { ended, served, take } = start();
  const socket = new Socket();
  expect(take(7, socket)).toBe(true);
  expect([served, ended]).toEqual([[socket], []]);
  socket.destroy();
  await once(socket, 'close');
  expect(ended).toEqual([7]);
});

test('what has come without its socket is not here, and does not end', () => {
  const { ended, served, take } = start();
  expect(take(7)).toBe(false);
  expect([served, ended]).toEqual([[], []]);
});

test('control gives one up that is here after all, and no other', async () => {
  const { connections, ended, take } = start();
  const [dropped, kept] = [new Socket(), new Socket()];
  take(7, dropped);
  take(8, kept);
  connections.drop(7);
  await once(dropped, 'close');
  expect([kept.destroyed, ended]).toEqual([false, [7]]);
});

test('one that never came, or has ended, is dropped without effect', async () => {
  const { connections, ended, take } = start();
  const socket = new Socket();
  take(7, socket);
  socket.destroy();
  await once(socket, 'close');
  connections.drop(7);
  connections.drop(8);
  expect(ended).toEqual([7]);
});
