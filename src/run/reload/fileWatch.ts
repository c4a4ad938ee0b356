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
    this.#seen = new Map(files.map((file) => [file, this.#seen.get(file) ?? fingerprintOf(file)]));
    clearTimeout(this.#timer);
    if (files.length > 0) this.#lookIn(INTERVAL_MS);
  }

  /** The files are about to be read: what has changed in them up to now is no reason to do so once more. */
  forget(): void {
    const files = [...this.#seen.keys()];
    this.#seen.clear();
    this.watch(files);
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
      const now = await stat(file, OPTIONS).then(fingerprint, () => NONE);
      if (seen !== this.#seen) return; // others are watched by now, or none, or what has changed was read
      if (now === before) continue;
      isChanging = true;
      seen.set(file, now);
      this.#changed.add(file);
    }
    if (isChanging) return this.#lookIn(SETTLE_MS);
    this.#lookIn(INTERVAL_MS);
    if (this.#changed.size === 0) return;
    const changed = [...this.#changed];
    this.#changed.clear();
    this.#onChange(changed);
  }
}

const OPTIONS = { bigint: true } as const;
/** Of what is not there, or cannot be looked at: reading it will tell why. */
const NONE = 'none';

function fingerprintOf(file: string): string {
  try {
    return fingerprint(statSync(file, OPTIONS));
  } catch {
    return NONE;
  }
}

function fingerprint({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}
