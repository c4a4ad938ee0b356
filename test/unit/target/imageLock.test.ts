import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FileStore } from '../../../src/target/fileStore.ts';
import { lockImage } from '../../../src/target/imageLock.ts';
import { temporaryDirectory } from '../../support/temporaryDirectory.ts';

async function image(): Promise<string> {
  const path = join(await temporaryDirectory(), 'disk.img');
  await writeFile(path, Buffer.alloc(1024 * 1024));
  return path;
}

/** The number of a process that has ended. */
function endedProcess(): number {
  return spawnSync(process.execPath, ['--version']).pid;
}

test('an image that is served can not be served a second time, by whichever path', async () => {
  const path = await image();
  const store = await FileStore.open(path);
  await expect(FileStore.open(join(path, '..', 'disk.img'))).rejects.toThrow(
    `served by process ${process.pid} already`,
  );
  await store.close();
});

test('it can be served again once its store is closed, and no lock is left', async () => {
  const path = await image();
  await (await FileStore.open(path)).close();
  expect(existsSync(`${path}.lock`)).toBe(false);
  await (await FileStore.open(path)).close();
});

test('the lock names the process, and is kept against another live one', async () => {
  const path = await image();
  await writeFile(`${path}.lock`, '1\n'); // init, which is always there
  await expect(lockImage(path)).rejects.toThrow(`served by process 1 already; two would ruin it`);
  expect(await readFile(`${path}.lock`, 'utf8')).toBe('1\n');
});

test.each([
  ['of a process that was killed', endedProcess],
  ['of an earlier process with our own number', () => process.pid],
  ['that says nothing', () => ''],
])('a lock %s is taken over', async (_, owner) => {
  const path = await image();
  await writeFile(`${path}.lock`, `${owner()}\n`);
  const unlock = await lockImage(path);
  expect(await readFile(`${path}.lock`, 'utf8')).toMatch(new RegExp(`^${process.pid} `));
  await unlock();
});

test('an image that is only read needs no lock', async () => {
  const path = await image();
  const store = await FileStore.open(path, { readOnly: true });
  expect(existsSync(`${path}.lock`)).toBe(false);
  await (await FileStore.open(path)).close();
  await store.close();
});
