import { randomBytes, randomInt } from 'node:crypto';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { InitiatorSession } from '../../src/initiator/initiatorSession.ts';
import { CHAP_ALGORITHMS, type ChapRequirement } from '../../src/policy/chapRequirement.ts';
import { Secret } from '../../src/policy/secret.ts';
import { FileStore } from '../../src/target/fileStore.ts';
import { EmbeddedTarget } from '../support/embeddedTarget.ts';
import { DB1, DISK1 } from '../support/loginPdus.ts';
import { temporaryDirectory } from '../support/temporaryDirectory.ts';

const BLOCK = 512;
const DEPTH = 16;
const MEBIBYTE = 1024 * 1024;

const secret = (): Secret => new Secret(randomBytes(16));
const CHAP: ChapRequirement = { user: 'db1', secret: secret(), algorithms: CHAP_ALGORITHMS };
const MUTUAL: ChapRequirement = { ...CHAP, mutual: { user: 'disk', secret: secret() } };

test.each<[string, { digests?: boolean; chap?: ChapRequirement }]>([
  ['plainly', {}],
  ['with digests', { digests: true }],
  ['after CHAP', { chap: CHAP }],
  ['after mutual CHAP, with digests', { chap: MUTUAL, digests: true }],
])(
  'what is written in random pieces, sixteen at a time, is read back in other pieces, %s',
  async (_how, options) => {
    const target = await EmbeddedTarget.start(options.chap === undefined ? {} : { chap: options.chap });
    const session = await target.logIn(options);
    expect(session.parameters.digests.header).toBe(options.digests === true);
    const disk = randomBytes(24 * MEBIBYTE);
    await inPieces(disk.length, (at, length) => write(session, at, disk.subarray(at, at + length)));
    const back = Buffer.alloc(disk.length);
    await inPieces(disk.length, async (at, length) => void (await read(session, at, length)).copy(back, at));
    expect(back.equals(disk)).toBe(true);
    await session.logout();
  },
);

test('two hundred commands at once are all answered, as the window lets them through', async () => {
  const session = await (await EmbeddedTarget.start()).logIn();
  const results = await Promise.all(
    Array.from({ length: 200 }, () => session.execute({ lun: 0, cdb: Buffer.of(0) })),
  );
  expect(results.every(({ status }) => status === 0)).toBe(true);
});

test('a file keeps what was written when the target stops and another serves it', async () => {
  const file = join(await temporaryDirectory(), 'disk.img');
  const data = randomBytes(8 * BLOCK);
  const first = await EmbeddedTarget.start({ store: await FileStore.open(file, { create: MEBIBYTE }) });
  const session = await first.logIn();
  await write(session, 0, data);
  await session.logout();
  await first.stop();
  const second = await EmbeddedTarget.start({ store: await FileStore.open(file) });
  expect((await read(await second.logIn(), 0, data.length)).equals(data)).toBe(true);
});

test('a disk that is read-only is read and refuses to be written', async () => {
  const session = await (await EmbeddedTarget.start({ readOnly: true })).logIn();
  const { status, sense } = await session.execute({
    lun: 0,
    cdb: cdb16(0x8a, 0, 64),
    dataOut: Buffer.alloc(64 * BLOCK),
  });
  expect([status, sense[2]! & 0xf]).toEqual([2, 7]); // DATA PROTECT
  expect((await read(session, 0, BLOCK)).equals(Buffer.alloc(BLOCK))).toBe(true);
});

test('one session goes on while another that reads nothing is stuck', async () => {
  const target = await EmbeddedTarget.start();
  const stuckSocket = await target.connect();
  const stuck = await InitiatorSession.open(stuckSocket, DISK1, { initiatorName: `${DB1}-stuck` });
  const reads = Array.from({ length: 20 }, () => read(stuck, 0, 8 * MEBIBYTE).catch(() => undefined));
  stuckSocket.removeAllListeners('readable');
  const session = await target.logIn();
  const data = randomBytes(MEBIBYTE);
  await write(session, 0, data);
  expect((await read(session, 0, data.length)).equals(data)).toBe(true);
  stuckSocket.destroy();
  await Promise.all(reads);
});

test('many reads that wait for the connection look like no leak to Node', async () => {
  const warnings: Error[] = [];
  const warn = (warning: Error): void => void warnings.push(warning);
  process.on('warning', warn);
  onTestFinished(() => void process.off('warning', warn));
  const session = await (await EmbeddedTarget.start()).logIn();
  await Promise.all(Array.from({ length: 40 }, () => read(session, 0, MEBIBYTE)));
  expect(warnings).toEqual([]);
});

/** Runs a transfer over all pieces of random sizes, up to 2 MiB, in random order. */
async function inPieces(total: number, transfer: (at: number, length: number) => Promise<unknown>) {
  const pieces: [at: number, length: number][] = [];
  for (let at = 0; at < total;) {
    const length = Math.min(total - at, BLOCK * randomInt(1, randomInt(2) === 0 ? 64 : 4096));
    pieces.splice(randomInt(pieces.length + 1), 0, [at, length]);
    at += length;
  }
  const worker = async (): Promise<void> => {
    for (let piece = pieces.pop(); piece !== undefined; piece = pieces.pop()) await transfer(...piece);
  };
  await Promise.all(Array.from({ length: DEPTH }, worker));
}

async function write(session: InitiatorSession, at: number, dataOut: Buffer): Promise<void> {
  const { status } = await session.execute({ lun: 0, cdb: cdb16(0x8a, at, dataOut.length / BLOCK), dataOut });
  expect(status).toBe(0);
}

async function read(session: InitiatorSession, at: number, length: number): Promise<Buffer> {
  const { status, data } = await session.execute({
    lun: 0,
    cdb: cdb16(0x88, at, length / BLOCK),
    readLength: length,
  });
  expect([status, data.length]).toEqual([0, length]);
  return data;
}

/** READ(16), WRITE(16). */
function cdb16(operationCode: number, at: number, blocks: number): Buffer {
  const cdb = Buffer.alloc(16);
  cdb[0] = operationCode;
  cdb.writeBigUInt64BE(BigInt(at / BLOCK), 2);
  cdb.writeUInt32BE(blocks, 10);
  return cdb;
}
