import { once } from 'node:events';
import { expect, test } from 'vitest';
import { encodePdu, NO_DIGESTS } from '../../../src/iscsi/pdu.ts';
import { PduConnection } from '../../../src/transport/pduConnection.ts';
import { socketPair } from '../../support/loopback.ts';

const LIMITS = { maxAhsLength: 0, maxDataSegmentLength: 8192 };
const DIGESTS = { header: true, data: true };
const ping = encodePdu('nopOut', { final: true, initiatorTaskTag: 7 }, Buffer.from('ping'));

test('PDUs come whole, then the end', async () => {
  const [near, far] = await socketPair();
  const connection = PduConnection.over(far, LIMITS);
  near.write(ping.subarray(0, 30));
  const first = connection.next();
  near.write(Buffer.concat([ping.subarray(30), ping]));
  expect((await first)!.data.toString()).toBe('ping');
  expect((await connection.next())!.data.toString()).toBe('ping');
  near.end(ping.subarray(0, 10));
  expect(await connection.next()).toBeUndefined();
});

test('what was agreed on holds from the next PDU on', async () => {
  const [near, far] = await socketPair();
  const connection = PduConnection.over(far, LIMITS);
  near.write(Buffer.concat([ping, encodePdu('nopOut', {}, Buffer.from('pong'), DIGESTS)]));
  await connection.next();
  connection.configure({ digests: DIGESTS, limits: LIMITS });
  expect((await connection.next())!.data.toString()).toBe('pong');
});

test('bytes that are no PDU are refused', async () => {
  const [near, far] = await socketPair();
  const connection = PduConnection.over(far, LIMITS);
  near.write(encodePdu('nopOut', {}, Buffer.alloc(8193)).subarray(0, 48));
  await expect(connection.next()).rejects.toMatchObject({ code: 'data_segment_too_long' });
});

test('the socket is given back with what no PDU was made of', async () => {
  const [near, far] = await socketPair();
  const connection = PduConnection.over(far, LIMITS);
  near.write(Buffer.concat([ping, ping.subarray(0, 20)]));
  await connection.next();
  expect(connection.detach().equals(ping.subarray(0, 20))).toBe(true);
});

test('a write waits for a peer that does not read, and goes on when it does', async () => {
  const [near, far] = await socketPair();
  const connection = PduConnection.over(far, LIMITS);
  near.pause();
  const big = encodePdu('dataIn', {}, Buffer.alloc(15 * 1024 * 1024), NO_DIGESTS);
  let isWritten = false;
  const writing = connection.write(big).then(() => (isWritten = true));
  expect(far.writableNeedDrain).toBe(true);
  expect(isWritten).toBe(false);
  let received = 0;
  near.on('data', (chunk: Buffer) => (received += chunk.length));
  near.resume();
  await writing;
  while (received < big.length) await once(near, 'data');
  expect(received).toBe(big.length);
});

test('a write does not wait for a peer that has gone', async () => {
  const [near, far] = await socketPair();
  far.on('error', () => {});
  const connection = PduConnection.over(far, LIMITS);
  near.pause();
  const writing = connection.write(Buffer.alloc(15 * 1024 * 1024));
  near.resetAndDestroy();
  await writing;
  await connection.write(ping);
  expect(far.destroyed).toBe(true);
});
