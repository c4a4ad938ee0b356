import { chmod, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FileStore } from '../../../src/target/fileStore.ts';
import { MemoryStore } from '../../../src/target/memoryStore.ts';
import { pattern } from './disk.ts';

const MIB = 1024 * 1024;
let folder: string;
let image: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sangate-store-'));
  image = join(folder, 'disk.img');
});
afterEach(() => rm(folder, { recursive: true }));

async function fileStore(size = 4 * MIB): Promise<FileStore> {
  return FileStore.open(image, { create: size });
}

for (const [name, make] of [
  ['memory', async () => new MemoryStore(4 * MIB)],
  ['file', () => fileStore()],
] as const) {
  test(`${name}: what was never written reads as zeros`, async () => {
    const store = await make();
    expect((await store.read(MIB, 512)).equals(Buffer.alloc(512))).toBe(true);
    await store.close();
  });

  test(`${name}: a write across pages is read back, its neighbours are untouched`, async () => {
    const store = await make();
    const data = pattern(200_192);
    await store.write(65_024, data);
    expect((await store.read(65_024, data.length)).equals(data)).toBe(true);
    expect((await store.read(64_512, 512)).equals(Buffer.alloc(512))).toBe(true);
    expect((await store.read(65_024 + data.length, 512)).equals(Buffer.alloc(512))).toBe(true);
    await store.close();
  });

  test(`${name}: a discarded range reads as zeros, its neighbours are untouched`, async () => {
    const store = await make();
    const data = pattern(3 * MIB);
    await store.write(0, data);
    await store.discard(512, 2 * MIB);
    const after = await store.read(0, data.length);
    expect(after.subarray(0, 512).equals(data.subarray(0, 512))).toBe(true);
    expect(after.subarray(512, 512 + 2 * MIB).equals(Buffer.alloc(2 * MIB))).toBe(true);
    expect(after.subarray(512 + 2 * MIB).equals(data.subarray(512 + 2 * MIB))).toBe(true);
    await store.close();
  });
}

test('a large memory disk costs nothing until it is written, and gives discarded pages back', async () => {
  const store = new MemoryStore(1024 * MIB);
  await store.read(512 * MIB, MIB);
  expect(store.allocated).toBe(0);
  await store.write(512 * MIB, pattern(MIB));
  expect(store.allocated).toBe(MIB);
  await store.discard(512 * MIB, MIB);
  expect(store.allocated).toBe(0);
});

test('a memory disk of an odd size is refused', () => {
  expect(() => new MemoryStore(1000)).toThrow('a multiple of 512');
});

test('a new image has the size asked for, is sparse and private', async () => {
  const store = await fileStore(64 * MIB);
  const found = await stat(image);
  expect(found.size).toBe(64 * MIB);
  expect(found.blocks * 512).toBeLessThan(MIB);
  expect(found.mode & 0o777).toBe(0o600);
  await store.close();
});

test('discarding a sparse image leaves it sparse', async () => {
  const store = await fileStore(64 * MIB);
  await store.discard(0, 64 * MIB);
  expect((await stat(image)).blocks * 512).toBeLessThan(MIB);
  await store.close();
});

test('an image that exists keeps its content when it is opened with its size', async () => {
  const first = await fileStore(MIB);
  await first.write(0, pattern(512));
  await first.flush();
  await first.close();
  const second = await fileStore(MIB);
  expect((await second.read(0, 512)).equals(pattern(512))).toBe(true);
  await second.close();
});

test('an image that exists with another size than asked for is refused and kept', async () => {
  await writeFile(image, pattern(1024));
  await expect(fileStore(MIB)).rejects.toThrow(`${image} exists with 1024 bytes, not ${MIB}`);
  expect((await readFile(image)).equals(pattern(1024))).toBe(true);
});

test('a missing image without a size is refused with what to do', async () => {
  await expect(FileStore.open(image)).rejects.toThrow(
    `${image} does not exist; give a size (--create 10G) to have it made`,
  );
});

test('a folder is refused', async () => {
  await expect(FileStore.open(folder)).rejects.toThrow(`${folder} is not a regular file`);
});

test('an empty file and one of an odd size are refused', async () => {
  await writeFile(image, '');
  await expect(FileStore.open(image)).rejects.toThrow('more than 0');
  await writeFile(image, 'x');
  await expect(FileStore.open(image)).rejects.toThrow('a multiple of 512');
});

test('a file that nobody may write gives a read-only store, also for root', async () => {
  await writeFile(image, pattern(1024));
  await chmod(image, 0o444);
  const store = await FileStore.open(image);
  expect(store.readOnly).toBe(true);
  expect((await store.read(0, 1024)).equals(pattern(1024))).toBe(true);
  await store.flush();
  await store.close();
});

test('a store opened read-only cannot be written', async () => {
  await writeFile(image, pattern(1024));
  const store = await FileStore.open(image, { readOnly: true });
  expect(store.readOnly).toBe(true);
  await expect(store.write(0, pattern(512))).rejects.toThrow('EBADF');
  await store.close();
});

test('reading a file that was cut short behind our back is an error, not stale memory', async () => {
  const store = await fileStore(MIB);
  await truncate(image, 512);
  await expect(store.read(512, 512)).rejects.toThrow(`${image} ends before byte 1024`);
  await store.close();
});
