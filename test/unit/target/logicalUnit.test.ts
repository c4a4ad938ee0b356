import { expect, test } from 'vitest';
import { expectedTransfer } from '../../../src/scsi/expectedTransfer.ts';
import { MAXIMUM_TRANSFER_BYTES } from '../../../src/target/limits.ts';
import { LogicalUnit } from '../../../src/target/logicalUnit.ts';
import { MemoryStore } from '../../../src/target/memoryStore.ts';
import { BLOCKS, Disk, hex, outcome, pattern, PORT_A, read16, u32, u64, write16 } from './disk.ts';

const LBA_OUT_OF_RANGE = '5/2100';
const INVALID_FIELD_IN_CDB = '5/2400';
const WRITE_PROTECTED = '7/2700';

const full = (): Buffer => pattern(512);

test.each([
  ['6', '0a 000001 02 00', '08 000001 02 00'],
  ['10', '2a 00 00000001 00 0002 00', '28 00 00000001 00 0002 00'],
  ['12', 'aa 00 00000001 00000002 00 00', 'a8 00 00000001 00000002 00 00'],
  ['16', write16(1, 2), read16(1, 2)],
])('what WRITE(%s) wrote READ of the same length returns', async (_form, write, read) => {
  const disk = new Disk();
  const data = pattern(1024);
  expect(outcome(await disk.send(write, data))).toBe('good');
  expect((await disk.send(read)).dataIn!.equals(data)).toBe(true);
});

test.each([
  ['the last block is inside', read16(BLOCKS - 1, 1), 'good'],
  ['one block past the end', read16(BLOCKS - 1, 2), LBA_OUT_OF_RANGE],
  ['a 64-bit LBA whose sum would wrap', read16(0xffffffffffffffffn, 1), LBA_OUT_OF_RANGE],
  ['an LBA beyond 2^53', read16(0x8000000000000000n, 1), LBA_OUT_OF_RANGE],
  ['no blocks at the end is success', read16(BLOCKS, 0), 'good'],
  ['no blocks past the end', read16(BLOCKS + 1, 0), LBA_OUT_OF_RANGE],
  ['a WRITE past the end', write16(BLOCKS, 1), LBA_OUT_OF_RANGE],
  ['a VERIFY past the end', '8f00 ffffffffffffffff 00000001 0000', LBA_OUT_OF_RANGE],
  ['a PRE-FETCH past the end', '9000 ffffffffffffffff 00000001 0000', LBA_OUT_OF_RANGE],
  ['a SYNCHRONIZE CACHE past the end', '9100 ffffffffffffffff 00000001 0000', LBA_OUT_OF_RANGE],
  ['a WRITE SAME past the end', `9300 ${u64(BLOCKS)} 00000001 0000`, LBA_OUT_OF_RANGE],
])('bounds: %s', async (_name, cdb, wanted) => {
  expect(outcome(await new Disk().send(cdb, Buffer.alloc(512)))).toBe(wanted);
});

test('a write past the end leaves the blocks before the end alone', async () => {
  const disk = new Disk();
  await disk.send(write16(BLOCKS - 1, 2), pattern(1024));
  expect((await disk.send(read16(BLOCKS - 1, 1))).dataIn!.equals(Buffer.alloc(512))).toBe(true);
});

test.each(['88', '8a', '8e', '8f'])(
  'more blocks than MAXIMUM TRANSFER LENGTH are refused for %sh',
  async (code) => {
    const disk = new Disk({ store: new MemoryStore(64 * 1024 * 1024) });
    expect(outcome(await disk.send(`${code}00 ${u64(0)} ${u32(16385)} 0000`))).toBe(INVALID_FIELD_IN_CDB);
  },
);

test('what refuse lets pass never asks for more data than the bound', () => {
  const { lu } = new Disk({ store: new MemoryStore(64 * 1024 * 1024) });
  for (let code = 0; code < 256; code++) {
    const cdb = Buffer.alloc(16, 0);
    cdb[0] = code;
    for (const fill of [0x00, 0xff, 0x7f, 0x01]) {
      cdb.fill(fill, 10);
      cdb.fill(fill, 6, 9);
      const refused = lu.refuse({ cdb, nexus: { initiatorPort: PORT_A } }) !== undefined;
      const { direction, length } = expectedTransfer(cdb);
      if (direction === 'out' && length > MAXIMUM_TRANSFER_BYTES)
        expect(refused, cdb.toString('hex')).toBe(true);
    }
  }
});

test('a write that brought less data than its CDB names writes what came', async () => {
  const disk = new Disk();
  await disk.send(write16(0, 2), Buffer.alloc(1024, 0xaa));
  expect(outcome(await disk.send(write16(0, 2), Buffer.alloc(512, 0xbb)))).toBe('good');
  const { dataIn } = await disk.send(read16(0, 2));
  expect(dataIn!.equals(Buffer.concat([Buffer.alloc(512, 0xbb), Buffer.alloc(512, 0xaa)]))).toBe(true);
});

test.each([
  ['READ', '28 20 00000000 00 0001 00'],
  ['WRITE', '2a 20 00000000 00 0001 00'],
  ['VERIFY', '2f 20 00000000 00 0001 00'],
  ['WRITE AND VERIFY', '2e 20 00000000 00 0001 00'],
  ['WRITE SAME', '41 20 00000000 00 0001 00'],
  ['COMPARE AND WRITE', '89 20 0000000000000000 000000 01 00 00'],
])('%s with protection information is refused', async (_name, cdb) => {
  expect(outcome(await new Disk().send(cdb, Buffer.alloc(1024)))).toBe(INVALID_FIELD_IN_CDB);
});

test('a write with FUA is flushed before it is answered, one without is not', async () => {
  const store = new MemoryStore(BLOCKS * 512);
  let flushes = 0;
  store.flush = async () => void flushes++;
  const disk = new Disk({ store });
  await disk.send('2a 00 00000000 00 0001 00', full());
  expect(flushes).toBe(0);
  await disk.send('2a 08 00000000 00 0001 00', full());
  expect(flushes).toBe(1);
  await disk.send('35 00 00000000 00 0000 00');
  expect(flushes).toBe(2);
});

test('VERIFY compares with BYTCHK 1, not with BYTCHK 0, and refuses the others', async () => {
  const disk = new Disk();
  await disk.send(write16(0, 1), full());
  const wrong = full();
  wrong[5]! ^= 1;
  expect(outcome(await disk.send('2f 02 00000000 00 0001 00', full()))).toBe('good');
  expect(outcome(await disk.send('2f 02 00000000 00 0001 00', wrong))).toBe('e/1d00');
  expect(outcome(await disk.send('2f 00 00000000 00 0001 00'))).toBe('good');
  expect(outcome(await disk.send('2f 04 00000000 00 0001 00', full()))).toBe(INVALID_FIELD_IN_CDB);
});

test('VERIFY of more than is read at once names the first byte that differs, from the start of the data', async () => {
  const disk = new Disk({ store: new MemoryStore(2 * 1024 * 1024) });
  const wrong = Buffer.alloc(2 * 1024 * 1024);
  wrong[0x180000] = 1;
  const { sense } = await disk.send('2f 02 00000000 00 1000 00', wrong);
  expect(sense!.readUInt32BE(3)).toBe(0x180000);
});

test('WRITE AND VERIFY writes', async () => {
  const disk = new Disk();
  expect(outcome(await disk.send('ae 02 00000003 00000001 00 00', full()))).toBe('good');
  expect((await disk.send(read16(3, 1))).dataIn!.equals(full())).toBe(true);
});

const CAW = '89 00 0000000000000000 000000 01 00 00';

test('COMPARE AND WRITE writes only when all bytes agree, and names the first that does not', async () => {
  const disk = new Disk();
  const zeros = Buffer.alloc(512);
  const miss = await disk.send(CAW, Buffer.concat([pattern(512), full()]));
  expect(outcome(miss)).toBe('e/1d00');
  expect(miss.sense!.readUInt32BE(3)).toBe(pattern(512).findIndex((byte) => byte !== 0));
  expect((await disk.send(read16(0, 1))).dataIn!.equals(zeros)).toBe(true);
  expect(outcome(await disk.send(CAW, Buffer.concat([zeros, full()])))).toBe('good');
  expect((await disk.send(read16(0, 1))).dataIn!.equals(full())).toBe(true);
});

test('of many COMPARE AND WRITE at once against the same block exactly one wins', async () => {
  const disk = new Disk();
  const claims = Array.from({ length: 16 }, (_, i) =>
    Buffer.concat([Buffer.alloc(512), Buffer.alloc(512, i + 1)]),
  );
  const outcomes = (await Promise.all(claims.map((claim) => disk.send(CAW, claim)))).map(outcome);
  expect(outcomes.filter((result) => result === 'good')).toHaveLength(1);
});

test('COMPARE AND WRITE without all of its data is refused', async () => {
  expect(outcome(await new Disk().send(CAW, Buffer.alloc(512)))).toBe('5/0e03');
});

test('WRITE SAME repeats its block, and one of zeros gives the space back', async () => {
  const store = new MemoryStore(8 * 1024 * 1024);
  const disk = new Disk({ store });
  expect(outcome(await disk.send(`9300 ${u64(8)} ${u32(5000)} 0000`, full()))).toBe('good');
  const { dataIn } = await disk.send(read16(7, 5002));
  expect(
    dataIn!.equals(Buffer.concat([Buffer.alloc(512), Buffer.alloc(5000 * 512, full()), Buffer.alloc(512)])),
  ).toBe(true);
  expect(outcome(await disk.send(`9309 ${u64(0)} ${u32(16384)} 0000`))).toBe('good');
  expect(store.allocated).toBe(0);
});

test('WRITE SAME with UNMAP and a block that is not zeros writes that block', async () => {
  const disk = new Disk();
  expect(outcome(await disk.send('41 08 00000000 00 0002 00', full()))).toBe('good');
  expect((await disk.send(read16(1, 1))).dataIn!.equals(full())).toBe(true);
});

test.each([
  ['of no blocks, whose cost has no bound', '4100 00000000 00 0000 00'],
  ['of more than its maximum', `9300 ${u64(0)} ${u32(32769)} 0000`],
  ['with ANCHOR', '4118 00000000 00 0001 00'],
  ['with LBDATA', '4102 00000000 00 0001 00'],
])('WRITE SAME %s is refused', async (_name, cdb) => {
  expect(outcome(await new Disk().send(cdb, full()))).toBe(INVALID_FIELD_IN_CDB);
});

function unmapList(...ranges: [lba: bigint, blocks: number][]): Buffer {
  const descriptors = hex(ranges.map(([lba, blocks]) => `${u64(lba)} ${u32(blocks)} 00000000`).join(''));
  const header = Buffer.alloc(8);
  header.writeUInt16BE(descriptors.length + 6);
  header.writeUInt16BE(descriptors.length, 2);
  return Buffer.concat([header, descriptors]);
}

const unmap = (list: Buffer): string => `42 00 00000000 00 ${list.length.toString(16).padStart(4, '0')} 00`;

test('UNMAP makes every range read as zeros', async () => {
  const disk = new Disk();
  await disk.send(write16(0, 8), pattern(4096));
  const list = unmapList([1n, 2], [5n, 1], [7n, 0]);
  expect(outcome(await disk.send(unmap(list), list))).toBe('good');
  const wanted = pattern(4096)
    .fill(0, 512, 3 * 512)
    .fill(0, 5 * 512, 6 * 512);
  expect((await disk.send(read16(0, 8))).dataIn!.equals(wanted)).toBe(true);
});

test('UNMAP with one range out of bounds unmaps nothing', async () => {
  const disk = new Disk();
  await disk.send(write16(0, 1), full());
  const list = unmapList([0n, 1], [0xffffffffffffffffn, 1]);
  expect(outcome(await disk.send(unmap(list), list))).toBe(LBA_OUT_OF_RANGE);
  expect((await disk.send(read16(0, 1))).dataIn!.equals(full())).toBe(true);
});

test('UNMAP of more blocks or descriptors than Block Limits allows is refused', async () => {
  const disk = new Disk();
  const big = unmapList([0n, 0xffffffff]);
  expect(outcome(await disk.send(unmap(big), big))).toBe('5/2600');
  const many = unmapList(...Array.from({ length: 257 }, (): [bigint, number] => [0n, 0]));
  expect(outcome(await disk.send(unmap(many), many))).toBe('5/2600');
});

test.each([
  ['WRITE', write16(0, 1)],
  ['WRITE AND VERIFY', '2e 00 00000000 00 0001 00'],
  ['WRITE SAME', '41 00 00000000 00 0001 00'],
  ['UNMAP', '42 00 00000000 00 0018 00'],
  ['COMPARE AND WRITE', CAW],
])('a write-protected logical unit refuses %s', async (_name, cdb) => {
  const disk = new Disk({ readOnly: true });
  expect(outcome(await disk.send(cdb, full()))).toBe(WRITE_PROTECTED);
  expect(outcome(await disk.send(read16(0, 1)))).toBe('good');
});

test('a store that cannot be written write-protects the logical unit', async () => {
  const store = Object.assign(new MemoryStore(BLOCKS * 512), { readOnly: true });
  expect(outcome(await new Disk({ store }).send(write16(0, 1), full()))).toBe(WRITE_PROTECTED);
});

test.each([
  ['read', 'EIO', read16(0, 1), '3/1100'],
  ['write', 'EIO', write16(0, 1), '3/0c00'],
  ['write', 'ENOSPC', write16(0, 1), '7/2707'],
] as const)(
  'a %s that fails with %s is sense data for the initiator and an error for the operator',
  async (method, code, cdb, wanted) => {
    const store = new MemoryStore(BLOCKS * 512);
    const failure = Object.assign(new Error(`${code}: disk trouble`), { code });
    Object.assign(store, { [method]: () => Promise.reject(failure) });
    const heard: Error[] = [];
    const disk = new Disk({ store, onStoreError: (error) => heard.push(error) });
    expect(outcome(await disk.send(cdb, full()))).toBe(wanted);
    expect(heard).toEqual([failure]);
  },
);

test.each([
  ['PREVENT ALLOW MEDIUM REMOVAL', '1e 00 00 00 01 00'],
  ['START STOP UNIT', '1b 00 00 00 00 00'],
  ['PRE-FETCH(10)', '34 00 00000000 00 0001 00'],
  ['SYNCHRONIZE CACHE(16)', `9100 ${u64(0)} 00000000 0000`],
])('%s is accepted', async (_name, cdb) => {
  expect(outcome(await new Disk().send(cdb))).toBe('good');
});

test('an unknown command is refused as such, an unknown service action as a wrong field', async () => {
  const disk = new Disk();
  expect(outcome(await disk.send('15 10 0000 18 00'))).toBe('5/2000'); // MODE SELECT(6)
  expect(outcome(await disk.send('83'))).toBe('5/2000'); // EXTENDED COPY
  expect(outcome(await disk.send('9e 1f'))).toBe(INVALID_FIELD_IN_CDB);
});

test('closing waits for tasks that run, then flushes and closes the store', async () => {
  const store = new MemoryStore(BLOCKS * 512);
  const log: string[] = [];
  let finish: (() => void) | undefined;
  store.write = () => new Promise((resolve) => (finish = resolve));
  store.flush = async () => void log.push('flush');
  store.close = async () => void log.push('close');
  const lu = new LogicalUnit({ lun: 0, store, serial: 's' });
  const write = lu.execute({ cdb: hex(write16(0, 1)), nexus: { initiatorPort: PORT_A }, dataOut: full() });
  const closed = lu.close();
  expect(log).toEqual([]);
  finish!();
  await write;
  await closed;
  expect(log).toEqual(['flush', 'close']);
});
