import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { Failure } from '../../../src/failures.ts';
import { ChunkReader } from '../../../src/transport/chunkReader.ts';
import { readPreamble } from '../../../src/transport/preamble.ts';
import { encodeProxyHeader, PROXY_SIGNATURE } from '../../../src/transport/proxyHeader.ts';
import { inChunks } from '../../support/fuzz.ts';
import { vectorPdus } from '../../support/vectors.ts';

const login = vectorPdus.find(({ kind }) => kind === 'loginRequest')!.wire;
const addresses = {
  source: { host: '203.0.113.7', port: 51234 },
  destination: { host: '192.0.2.1', port: 3260 },
  authority: 'gw.example.org',
};
const header = encodeProxyHeader(addresses);
const LOCAL = Buffer.concat([PROXY_SIGNATURE, Buffer.from('20000000', 'hex')]);

/** A peer that sends these chunks and then ends. */
function peer(chunks: Buffer[]): ChunkReader {
  const stream = new PassThrough();
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  return new ChunkReader(stream);
}

async function rest(chunks: ChunkReader): Promise<Buffer> {
  const read: Buffer[] = [];
  for (let chunk = await chunks.next(); chunk !== undefined; chunk = await chunks.next()) read.push(chunk);
  return Buffer.concat(read);
}

const SIZES = [1, 2, 3, 11, 12, 13, 15, 16, 17, header.length - 1, header.length, header.length + 1, 10_000];

test.each(SIZES)('in chunks of %i bytes the header is read and the login left unread', async (size) => {
  const chunks = peer([]);
  for (const chunk of [...inChunks(Buffer.concat([header, login]), [size])].toReversed())
    chunks.unread(chunk);
  expect(await readPreamble(chunks)).toEqual(addresses);
  expect((await rest(chunks)).equals(login)).toBe(true);
});

test.each([1, 47, 10_000])('in chunks of %i bytes a login without a header is left unread', async (size) => {
  const chunks = peer([]);
  for (const chunk of [...inChunks(login, [size])].toReversed()) chunks.unread(chunk);
  expect(await readPreamble(chunks)).toBeUndefined();
  expect((await rest(chunks)).equals(login)).toBe(true);
});

test('a LOCAL header says nothing and is taken away', async () => {
  const chunks = peer([LOCAL, login]);
  expect(await readPreamble(chunks)).toBeUndefined();
  expect((await rest(chunks)).equals(login)).toBe(true);
});

async function failure(chunks: Buffer[]): Promise<Failure> {
  const thrown: unknown = await readPreamble(peer(chunks)).catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(Failure);
  return thrown as Failure;
}

test.each([
  ['a signature that goes wrong', Buffer.from('0d0a0d0a000d0b', 'hex')],
  [
    'version 1 of the protocol',
    Buffer.concat([PROXY_SIGNATURE, Buffer.from('1111000c', 'hex'), Buffer.alloc(12)]),
  ],
  ['a length beyond bounds', Buffer.concat([PROXY_SIGNATURE, Buffer.from('2111ffff', 'hex')])],
])('%s is refused', async (_, bytes) => {
  expect((await failure([bytes])).reason).toBe('proxy_header');
});

test.each([
  ['nothing', []],
  ['half a header', [header.subarray(0, 20)]],
  ['a header and no login', [header]],
])('a peer that closes after %s has closed', async (_, chunks) => {
  expect((await failure(chunks)).reason).toBe('peer_closed');
});

test.each([
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\n')],
  ['PROXY version 1', Buffer.from('PROXY TCP4 203.0.113.7 192.0.2.1 1 3260\r\n')],
  ['TLS inside TLS', Buffer.from('160301', 'hex')],
  ['HTTP behind a header', Buffer.concat([header, Buffer.from('GET /')])],
  ['a second header', Buffer.concat([header, header])],
])('%s is no iSCSI', async (_, bytes) => {
  expect((await failure([bytes])).reason).toBe('not_iscsi');
});
