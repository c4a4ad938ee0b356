import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withLock } from '../../../src/pki/lock.ts';
import { temporaryDirectory } from '../../support/temporaryDirectory.ts';

test('one at a time, and the lock is gone afterwards', async () => {
  const directory = await temporaryDirectory();
  let inside = 0;
  const work = async (): Promise<number> => {
    const together = ++inside;
    await readdir(directory);
    inside--;
    return together;
  };
  const file = join(directory, 'ca.crl');
  expect(await Promise.all([1, 2, 3].map(() => withLock(file, work)))).toEqual([1, 1, 1]);
  expect(await readdir(directory)).toEqual([]);
});

test('the lock is gone after work that failed', async () => {
  const directory = await temporaryDirectory();
  const failing = withLock(join(directory, 'ca.crl'), () => Promise.reject(new Error('no')));
  await expect(failing).rejects.toThrow('no');
  expect(await readdir(directory)).toEqual([]);
});

test('a lock that somebody holds is left to them, and named with its holder', async () => {
  const directory = await temporaryDirectory();
  const file = join(directory, 'ca.crl');
  await writeFile(`${file}.lock`, '1\n'); // init, which is always there
  await expect(withLock(file, () => Promise.resolve('in'), 0)).rejects.toThrow(
    `${file}.lock is held by process 1: wait for it, or remove the file`,
  );
  expect(await readdir(directory)).toEqual(['ca.crl.lock']);
});
