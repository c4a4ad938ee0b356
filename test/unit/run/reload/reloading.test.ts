import { rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Reloading } from '../../../../src/run/reload/reloading.ts';
import { makePipe } from '../../../support/namedPipe.ts';
import { temporaryDirectory } from '../../../support/temporaryDirectory.ts';

/** A service that counts reloads; each takes until it is let go. */
class Service {
  started = 0;
  causes: readonly string[] = [];
  problem: unknown;
  files: readonly string[];
  /** Loading throws. */
  isBroken = false;
  readonly reloading = new Reloading(() => {
    if (this.isBroken) throw new Error('broken');
    return { config: { watch: true }, files: this.files };
  });
  readonly #waiting: (() => void)[] = [];
  readonly #finish: (() => void)[] = [];

  constructor(files: readonly string[]) {
    this.files = files;
    this.reloading.read();
  }

  begin(): void {
    this.reloading.begin(async (read, causes) => {
      this.started++;
      this.causes = causes;
      await read().catch((error: unknown) => (this.problem = error));
      for (const wake of this.#waiting.splice(0)) wake();
      await new Promise<void>((resolve) => this.#finish.push(resolve));
    });
  }

  async nth(count: number): Promise<void> {
    while (this.started < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Lets the reload that runs come to its end, when it has read. */
  async finish(): Promise<void> {
    while (this.#finish.length === 0) await new Promise(setImmediate);
    this.#finish.shift()!();
    await new Promise(setImmediate);
  }
}

function start(files: readonly string[] = []): Service {
  const service = new Service(files);
  service.begin();
  onTestFinished(() => service.reloading.stop());
  return service;
}

const hangUp = (): void => void process.emit('SIGHUP', 'SIGHUP');

test('SIGHUP reloads, and is told as the cause', async () => {
  const service = start();
  hangUp();
  await service.nth(1);
  expect(service.causes).toEqual(['SIGHUP']);
});

test('signals that come during a reload make for one more, and not at the same time', async () => {
  const service = start();
  hangUp();
  hangUp();
  hangUp();
  expect(service.started).toBe(1);
  await service.finish();
  expect(service.started).toBe(2);
  await service.finish();
  expect(service.started).toBe(2);
});

test('a signal that comes while the service starts reloads when it runs', async () => {
  const service = new Service([]);
  onTestFinished(() => service.reloading.stop());
  hangUp();
  expect(service.started).toBe(0);
  service.begin();
  await service.nth(1);
});

test('a file that changes while the service starts reloads when it runs', async () => {
  const path = await file('gateway.yaml');
  const service = new Service([path]);
  onTestFinished(() => service.reloading.stop());
  await writeFile(path, 'after it');
  service.begin();
  await service.nth(1);
});

test('after the stop nothing reloads', () => {
  const service = new Service([]);
  service.begin();
  service.reloading.stop();
  hangUp();
  expect(service.started).toBe(0);
});

async function file(name: string): Promise<string> {
  const path = join(await temporaryDirectory(), name);
  await writeFile(path, 'before');
  return path;
}

test('a file that is written reloads, and is told as the cause', async () => {
  const path = await file('gateway.yaml');
  const service = start([path]);
  await writeFile(path, 'after it');
  await service.nth(1);
  expect(service.causes).toEqual([path]);
});

test('a file that another is renamed over reloads, as an atomic installation does it', async () => {
  const path = await file('ca.crl');
  const service = start([path]);
  await writeFile(`${path}.new`, 'after it');
  await rename(`${path}.new`, path);
  await service.nth(1);
});

test('a link that leads elsewhere now reloads, as containers are given files', async () => {
  const path = await file('first');
  const link = `${path}.link`;
  await symlink(path, link);
  const service = start([link]);
  await writeFile(`${path}.second`, 'after it');
  await rm(link);
  await symlink(`${path}.second`, link);
  await service.nth(1);
});

test.each([
  ['has read', false],
  ['has read and found bad', true],
])('a change that a reload begun later %s is no reason for another one', async (_, isBroken) => {
  const [path, other] = [await file('gateway.yaml'), await file('ca.crl')];
  const service = start([path, other]);
  await writeFile(path, 'after it');
  service.isBroken = isBroken;
  hangUp();
  await service.finish();
  await writeFile(other, 'after it');
  await service.nth(2);
  expect(service.causes).toEqual([other]);
});

test('a file that cannot be looked at is left to whoever reads it', async () => {
  const path = await file('gateway.yaml');
  const service = start([path]);
  await rm(path);
  await symlink(path, path);
  hangUp();
  await service.finish();
  expect(service.problem).toBeUndefined();
});

test('files that the new configuration names are watched from then on', async () => {
  const [before, after] = [await file('before'), await file('after')];
  const service = start([before]);
  service.files = [after];
  hangUp();
  await service.finish();
  await writeFile(after, 'after it');
  await service.nth(2);
});

test.runIf(process.platform !== 'win32')('a named pipe in place of a file is not read', async () => {
  const path = await file('gateway.yaml');
  const service = start([path]);
  await rm(path);
  makePipe(path);
  hangUp();
  await service.finish();
  expect(service.problem).toEqual(new Error(`${path} is not a file any more: put the file back`));
});
