import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { Failure } from '../../../src/failures.ts';
import type { InForce, Origin } from '../../../src/gateway/inForce.ts';
import { WaitingTunnels } from '../../../src/gateway/waitingTunnels.ts';
import { ChunkReader } from '../../../src/transport/chunkReader.ts';

const STOPS = new Failure('shutting_down', 'the gateway stops');

function tunnel(notAfter = Infinity) {
  const socket = new PassThrough();
  const chunks = new ChunkReader(socket);
  const origin: Origin = { listener: 'one', chain: [], notAfter };
  return { socket, chunks, waits: (waiting: WaitingTunnels) => waiting.firstWord(chunks, origin, 600) };
}

/** Credentials of which nothing is known but when they end. */
const inForce = {
  endOfTrust: ({ notAfter }: Origin) => notAfter,
  checkOrigin: () => {
    throw new Failure('expired_cert', 'expired');
  },
} as unknown as InForce;

test('the first byte ends the waiting and stays to be read', async () => {
  const { socket, chunks, waits } = tunnel();
  const waited = waits(new WaitingTunnels());
  socket.write('word');
  await waited;
  expect(String(await chunks.next())).toBe('word');
});

test('a certificate that ends ends the tunnels that wait with it, and no others', async () => {
  const waiting = new WaitingTunnels();
  const ending = tunnel(1000);
  const other = tunnel(2000);
  const ended = ending.waits(waiting);
  const waited = other.waits(waiting);
  waiting.reconsiderExpired(inForce, 999);
  expect(ending.socket.writableEnded).toBe(false);
  waiting.reconsiderExpired(inForce, 1000);
  await expect(ended).rejects.toMatchObject({ reason: 'expired_cert' });
  other.socket.write('word');
  await waited;
});

test('who was told to go is not listened to, whatever it says meanwhile', async () => {
  const waiting = new WaitingTunnels();
  const { socket, waits } = tunnel();
  const waited = waits(waiting);
  waiting.close(STOPS);
  socket.push('word');
  await expect(waited).rejects.toBe(STOPS);
});

test('nobody begins to wait once it is closed', async () => {
  const waiting = new WaitingTunnels();
  waiting.close(STOPS);
  await expect(tunnel().waits(waiting)).rejects.toBe(STOPS);
});

test('a login that has begun is not ended from here', async () => {
  const waiting = new WaitingTunnels();
  const { socket, waits } = tunnel(1000);
  socket.write('word');
  await waits(waiting);
  waiting.reconsiderExpired(inForce, 1000);
  waiting.close(STOPS);
  expect(socket.writableEnded).toBe(false);
});
