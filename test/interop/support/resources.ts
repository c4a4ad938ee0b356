import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

type Release = () => Promise<void> | void;

/** What a test has opened: released in reverse order, also when the test has failed half-way. */
export class Resources {
  readonly #releases: Release[] = [];

  defer(release: Release): void {
    this.#releases.push(release);
  }

  /** A private directory, removed at the end. */
  async directory(): Promise<string> {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'sangate-interop-'));
    left.add(directory);
    this.defer(async () => {
      await rm(directory, { recursive: true, force: true });
      left.delete(directory);
    });
    return directory;
  }

  async release(): Promise<void> {
    for (let release = this.#releases.pop(); release; release = this.#releases.pop()) await release();
  }
}

// for a run that is interrupted
const left = new Set<string>();
process.once('exit', () => {
  for (const directory of left) rmSync(directory, { recursive: true, force: true });
});

/** `resources(afterAll)` lives as long as the test file, `resources(onTestFinished)` as long as the test. */
export function resources(whenDone: (release: Release) => void): Resources {
  const opened = new Resources();
  whenDone(() => opened.release());
  return opened;
}
