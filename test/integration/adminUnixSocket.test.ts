import { once } from 'node:events';
import { lstat, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AdminListener, SESSION } from '../support/adminListener.ts';
import { temporaryDirectory } from '../support/temporaryDirectory.ts';

/** What a process leaves behind that was killed. */
async function staleSocket(path: string): Promise<void> {
  const server = net.createServer().listen(`${path}.alive`);
  await once(server, 'listening');
  await rename(`${path}.alive`, path);
  server.close();
  await once(server, 'close');
}

const start = (socket: string): Promise<AdminListener> => AdminListener.start({ address: { socket } });

test('sessions are shown and ended at a unix socket, whatever Host says', async () => {
  const listener = await start(join(await temporaryDirectory(), 'admin.sock'));
  expect(JSON.parse((await listener.ask('GET /sessions', { Host: 'localhost' })).body)).toEqual({
    sessions: [SESSION],
  });
  expect((await listener.ask('DELETE /sessions/7', { Host: 'sangate' })).status).toBe(202);
  expect(listener.killed).toEqual([{ id: 7, by: 'unix socket' }]);
});

test('a web page that somehow came there ends no session', async () => {
  const listener = await start(join(await temporaryDirectory(), 'admin.sock'));
  expect((await listener.ask('DELETE /sessions/7', { Origin: 'https://evil.example' })).status).toBe(403);
  expect(listener.refused[0]!.address).toBe('unix socket');
});

test('owner and group may use the socket and nobody else, whatever the umask', async () => {
  const path = join(await temporaryDirectory(), 'admin.sock');
  const umask = process.umask(0);
  try {
    await start(path);
    expect(process.umask()).toBe(0);
  } finally {
    process.umask(umask);
  }
  expect(((await lstat(path)).mode & 0o777).toString(8)).toBe('660');
});

test('the socket goes when the server closes', async () => {
  const path = join(await temporaryDirectory(), 'admin.sock');
  const listener = await start(path);
  await listener.server.close();
  await expect(lstat(path)).rejects.toThrow('ENOENT');
});

test('the socket of a dead process is replaced', async () => {
  const path = join(await temporaryDirectory(), 'admin.sock');
  await staleSocket(path);
  const listener = await start(path);
  expect((await listener.ask('GET /healthz')).status).toBe(200);
});

test('the socket of a live process is an error, and stays that process’s', async () => {
  const path = join(await temporaryDirectory(), 'admin.sock');
  const first = await start(path);
  await expect(start(path)).rejects.toThrow(`cannot listen at unix:${path}: another program listens there`);
  expect((await first.ask('GET /healthz')).status).toBe(200);
});

test('a file that is no socket is an error, and stays as it is', async () => {
  const path = join(await temporaryDirectory(), 'admin.sock');
  await writeFile(path, 'precious');
  await expect(start(path)).rejects.toThrow('no socket — remove it');
  expect(await readFile(path, 'utf8')).toBe('precious');
});

test('a link is not followed to the socket of something else', async () => {
  const directory = await temporaryDirectory();
  await staleSocket(join(directory, 'other.sock'));
  await symlink(join(directory, 'other.sock'), join(directory, 'admin.sock'));
  await expect(start(join(directory, 'admin.sock'))).rejects.toThrow('no socket');
  expect((await lstat(join(directory, 'other.sock'))).isSocket()).toBe(true);
});

test('a folder that is not there is named, with what to do', async () => {
  const path = join(await temporaryDirectory(), 'none', 'admin.sock');
  await expect(start(path)).rejects.toThrow(`unix:${path}: there is no such folder — make it`);
});

test('a path that is too long for the system is not cut', async () => {
  const path = join(await temporaryDirectory(), 'x'.repeat(100));
  await expect(start(path)).rejects.toThrow('more than 103 bytes');
});
