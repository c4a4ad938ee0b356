import { rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Reloading, type Reload } from '../../../src/cli/reloading.ts';
import { temporaryDirectory } from '../../support/temporaryDirectory.ts';

/** Counts reloads; each takes until it is let go. */
class Reloads {
  started = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #finish: (() => void)[] = [];
  files: readonly string[] | undefined;

  readonly reload: Reload = async () => {
    this.started++;
    for (const wake of this.#waiting.splice(0)) wake();
    await new Promise<void>((resolve) => this.#finish.push(resolve));
    return this.files;
  };

  async nth(count: number): Promise<void> {
    while (this.started < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async finish(): Promise<void> {
    this.#finish.shift()!();
    await new Promise(setImmediate);
  }
}

function start(files: readonly string[] = []): Reloads {
  const reloads = new Reloads();
  const reloading = new Reloading({ reload: reloads.reload, files });
  onTestFinished(() => reloading.stop());
  return reloads;
}

const hangUp = (): void => void process.emit('SIGHUP', 'SIGHUP');

test('SIGHUP reloads', async () => {
  const reloads = start();
  hangUp();
  await reloads.nth(1);
});

test('signals that come during a reload make for one more, and not at the same time', async () => {
  const reloads = start();
  hangUp();
  hangUp();
  hangUp();
  expect(reloads.started).toBe(1);
  await reloads.finish();
  expect(reloads.started).toBe(2);
  await reloads.finish();
  expect(reloads.started).toBe(2);
});

test('after the stop nothing reloads', async () => {
  const reloads = new Reloads();
  new Reloading({ reload: reloads.reload, files: [] }).stop();
  hangUp();
  expect(reloads.started).toBe(0);
});

async function file(name: string): Promise<string> {
  const path = join(await temporaryDirectory(), name);
  await writeFile(path, 'before');
  return path;
}

test('a file that is written reloads', async () => {
  const path = await file('gateway.yaml');
  const reloads = start([path]);
  await writeFile(path, 'after it');
  await reloads.nth(1);
});

test('a file that another is renamed over reloads, as an atomic installation does it', async () => {
  const path = await file('ca.crl');
  const reloads = start([path]);
  await writeFile(`${path}.new`, 'after it');
  await rename(`${path}.new`, path);
  await reloads.nth(1);
});

test('a link that leads elsewhere now reloads, as containers are given files', async () => {
  const path = await file('first');
  const link = `${path}.link`;
  await symlink(path, link);
  const reloads = start([link]);
  await writeFile(`${path}.second`, 'after it');
  await rm(link);
  await symlink(`${path}.second`, link);
  await reloads.nth(1);
});

test('files that the new configuration names are watched from then on', async () => {
  const [before, after] = [await file('before'), await file('after')];
  const reloads = start([before]);
  reloads.files = [after];
  hangUp();
  await reloads.finish();
  await writeFile(after, 'after it');
  await reloads.nth(2);
});
