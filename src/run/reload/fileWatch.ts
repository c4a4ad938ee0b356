import { statSync, type BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';

/** Files are looked at so often. */
const INTERVAL_MS = 500;
/** A certificate and its key are replaced one after the other, and a file is written in pieces: all shall be there. */
const SETTLE_MS = 1000;

/**
 * Looks after files by their names. Looking, unlike asking the kernel to tell, sees also what is renamed over, linked anew or kept
 * on a network; and what it compares with was seen before `watch` returned, so that nothing is missed.
 */
export class FileWatch {
  readonly #onChange: (files: readonly string[]) => void;
  readonly #changed = new Set<string>();
  #seen = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;

  /** @param onChange called once for changes that come together, with the files that changed */
  constructor(onChange: (files: readonly string[]) => void) {
    this.#onChange = onChange;
  }

  /** From now on these files and no others; they are about to be read, or just were. */
  watch(files: readonly string[]): void {
    this.#changed.clear();
    this.#seen = new Map(
      files.map((file) => [file, this.#seen.get(file) ?? fingerprint(statSync(file, OPTIONS))]),
    );
    clearTimeout(this.#timer);
    if (files.length > 0) this.#lookIn(INTERVAL_MS);
  }

  stop(): void {
    this.watch([]);
  }

  #lookIn(milliseconds: number): void {
    this.#timer = setTimeout(() => void this.#look(), milliseconds);
    this.#timer.unref();
  }

  /** What was seen to change is told when nothing more has changed since. */
  async #look(): Promise<void> {
    const seen = this.#seen;
    let isChanging = false;
    for (const [file, before] of seen) {
      const now = fingerprint(await stat(file, OPTIONS).catch(() => undefined));
      if (now === before) continue;
      isChanging = true;
      seen.set(file, now);
      this.#changed.add(file);
    }
    if (seen !== this.#seen) return; // others are watched by now, or none
    if (isChanging) return this.#lookIn(SETTLE_MS);
    this.#lookIn(INTERVAL_MS);
    if (this.#changed.size === 0) return;
    const changed = [...this.#changed];
    this.#changed.clear();
    this.#onChange(changed);
  }
}

const OPTIONS = { bigint: true, throwIfNoEntry: false } as const;

function fingerprint(stats: BigIntStats | undefined): string {
  return stats === undefined
    ? 'none'
    : [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(' ');
}
