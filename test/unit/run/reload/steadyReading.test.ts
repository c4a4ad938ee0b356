import { readFileSync } from 'node:fs';
import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readSteadily } from '../../../../src/run/reload/steadyReading.ts';
import { temporaryDirectory } from '../../../support/temporaryDirectory.ts';

async function file(): Promise<string> {
  const path = join(await temporaryDirectory(), 'gateway.yaml');
  await writeFile(path, 'whole');
  return path;
}

test('a file that is cut and written anew while it is read is read again until it is whole', async () => {
  const path = await file();
  let readings = 0;
  const value = await readSteadily(async () => {
    readings++;
    if (readings <= 2) await writeFile(path, readings === 1 ? 'who' : 'whole again');
    return { files: [path], value: readings === 1 ? 'who' : readFileSync(path, 'utf8') };
  });
  expect(value).toBe('whole again');
  expect(readings).toBe(3);
});

test('files of the future, by the clock of a server that is ahead, are taken when they stand still', async () => {
  const path = await file();
  await utimes(path, Date.now() / 1000 + 3600, Date.now() / 1000 + 3600);
  let readings = 0;
  await readSteadily(async () => ({ files: [path], value: ++readings }));
  expect(readings).toBe(2);
});

test('files that nobody has touched for a moment are read once', async () => {
  let readings = 0;
  await readSteadily(async () => ({ files: [import.meta.filename], value: ++readings }));
  expect(readings).toBe(1);
});

test('a reading that never comes to an end fails', async () => {
  await expect(readSteadily(() => new Promise<never>(() => {}), 20)).rejects.toThrow(
    'could not be read within 0.02 s',
  );
});

test('a mistake in what stands still is told as it is', async () => {
  await expect(readSteadily(() => Promise.reject(new Error('line 3')))).rejects.toThrow('line 3');
});
