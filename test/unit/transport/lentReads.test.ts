import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ChunkReader } from '../../../src/transport/chunkReader.ts';
import { connectTcp } from '../../../src/transport/dial.ts';
import { LentReads, readTo } from '../../../src/transport/lentReads.ts';

/** A socket that was dialled, and its peer. */
async function dialled(): Promise<[socket: Socket, peer: Socket]> {
  const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const socket = await connectTcp({ host: '127.0.0.1', port }, new AbortController().signal);
  const [peer] = await accepted;
  server.close();
  onTestFinished(() => {
    socket.destroy();
    peer.destroy();
  });
  return [socket, peer];
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

test('a socket that was dialled is read like any other until it flows', async () => {
  const [socket, peer] = await dialled();
  peer.write('login');
  const reader = new ChunkReader(socket);
  expect(String(await reader.next())).toBe('login');
});

test('what the socket holds when it begins to flow comes first', async () => {
  const [socket, peer] = await dialled();
  peer.write('one');
  await once(socket, 'readable');
  const flowed = flows(socket, 6);
  peer.write('two');
  expect(String(await flowed)).toBe('onetwo');
});

test('chunks of two sockets that flow at once do not mix', async () => {
  const pairs = [await dialled(), await dialled()];
  const length = 8 * 1024 * 1024;
  const flowed = pairs.map(([socket]) => flows(socket, length));
  for (const [index, [, peer]] of pairs.entries()) peer.write(Buffer.alloc(length, index + 1));
  for (const [index, bytes] of (await Promise.all(flowed)).entries()) {
    expect(bytes.equals(Buffer.alloc(length, index + 1))).toBe(true);
  }
});

test('nothing is read while the socket is paused, and nothing is lost', async () => {
  const [socket, peer] = await dialled();
  const length = 16 * 1024 * 1024;
  const flowed = flows(socket, length);
  socket.pause();
  peer.write(Buffer.alloc(length, 7));
  expect(peer.writableLength).toBeGreaterThan(0);
  expect(socket.readableLength).toBe(0);
  socket.resume();
  expect((await flowed).equals(Buffer.alloc(length, 7))).toBe(true);
});

test("the peer's end is heard behind its last bytes", async () => {
  const [socket, peer] = await dialled();
  const flowed = flows(socket, 4);
  peer.end('last');
  await once(socket, 'end');
  expect(String(await flowed)).toBe('last');
});

test('what comes before anybody reads waits, and bounded', async () => {
  const [socket, peer] = await dialled();
  peer.write(Buffer.alloc(16 * 1024 * 1024));
  await once(socket, 'readable');
  expect(socket.readableLength).toBeLessThan(1024 * 1024);
});

test('a read into a chunk that is still being taken ends the socket, and the chunk stays as it is', async () => {
  const [socket, peer] = await dialled();
  const [other] = await dialled();
  const intruder = new LentReads();
  intruder.bind(other);
  readTo(other, () => {});
  const error = once(other, 'error');
  readTo(socket, () => {
    expect(intruder.onread.callback(3, Buffer.from('bad'))).toBe(false);
  });
  other.resume();
  peer.write('good');
  expect(String((await error)[0])).toContain('still being taken');
});
