import { statSync, type BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';

/** Files are looked at so often. */
const INTERVAL_MS = 500;
/** A certificate and its key are replaced one after the other: both shall be there. */
const SETTLE_MS = 300;

/**
 * Looks after files by their names. Looking, unlike asking the kernel to tell, sees also what is renamed over, linked anew or kept
 * on a network; and what it compares with was seen before `watch` returned, so that nothing is missed.
 */
export class FileWatch {
  readonly #onChange: () => void;
  #seen = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;

  /** @param onChange called once for changes that come together */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** From now on these files and no others. */
  watch(files: readonly string[]): void {
    this.#seen = new Map(
      files.map((file) => [file, this.#seen.get(file) ?? fingerprint(statSync(file, OPTIONS))]),
    );
    clearTimeout(this.#timer);
    if (files.length > 0) this.#lookIn(INTERVAL_MS);
  }

  stop(): void {
    this.watch([]);
  }

  #lookIn(milliseconds: number, hasChanged = false): void {
    this.#timer = setTimeout(() => void this.#look(hasChanged), milliseconds);
    this.#timer.unref();
  }

  /** @param hasChanged what was seen a moment ago is told when nothing more has changed since */
  async #look(hasChanged: boolean): Promise<void> {
    const seen = this.#seen;
    let isChanging = false;
    for (const [file, before] of seen) {
      const now = fingerprint(await stat(file, OPTIONS).catch(() => undefined));
      if (now !== before) isChanging = true;
      seen.set(file, now);
    }
    if (seen !== this.#seen) return; // others are watched by now, or none
    if (isChanging) return this.#lookIn(SETTLE_MS, true);
    this.#lookIn(INTERVAL_MS);
    if (hasChanged) this.#onChange();
  }
}

const OPTIONS = { bigint: true, throwIfNoEntry: false } as const;

function fingerprint(stats: BigIntStats | undefined): string {
  return stats === undefined
    ? 'none'
    : [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(' ');
}
