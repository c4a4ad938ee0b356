import { stat } from 'node:fs/promises';
import { FileWatch } from './fileWatch.ts';

/** A configuration as it was read. */
export interface Loaded {
  readonly config: { readonly watch: boolean };
  /** What it was read from. */
  readonly files: readonly string[];
}

/**
 * Puts in force what `read` gives, or leaves everything as it is. Never rejects.
 *
 * @param causes why: `SIGHUP`, and the files that have changed
 */
export type Apply<L extends Loaded> = (read: () => Promise<L>, causes: readonly string[]) => Promise<void>;

/** Reloads on SIGHUP and when a file has changed: never two at once, and once more if something changes meanwhile. */
export class Reloading<L extends Loaded> {
  readonly #load: () => L;
  readonly #watch = new FileWatch((files) => this.#isDue(files));
  #files: readonly string[] = [];
  #apply: Apply<L> | undefined;
  #causes = new Set<string>();
  #isRunning = false;
  #isOver = false;

  /** From here on SIGHUP is ours, also while the service starts: unheard, it would end the process. */
  constructor(load: () => L) {
    this.#load = load;
    process.on('SIGHUP', this.#onHangUp);
  }

  /**
   * Loads; whatever changes from then on in what was loaded is a reason to do so again.
   *
   * @throws what loading throws
   */
  read(): L {
    this.#watch.forget();
    const loaded = this.#load();
    this.#files = loaded.files;
    if (!this.#isOver) this.#watch.watch(loaded.config.watch ? loaded.files : []);
    return loaded;
  }

  /** The service runs: what has changed meanwhile, and what will, is put in force. */
  begin(apply: Apply<L>): void {
    this.#apply = apply;
    this.#isDue([]);
  }

  stop(): void {
    this.#isOver = true;
    process.off('SIGHUP', this.#onHangUp);
    this.#watch.stop();
  }

  readonly #onHangUp = (): void => this.#isDue(['SIGHUP']);

  #isDue(causes: readonly string[]): void {
    for (const cause of causes) this.#causes.add(cause);
    if (this.#apply !== undefined && !this.#isRunning) void this.#run(this.#apply);
  }

  async #run(apply: Apply<L>): Promise<void> {
    this.#isRunning = true;
    while (this.#causes.size > 0 && !this.#isOver) {
      const causes = [...this.#causes];
      this.#causes.clear();
      await apply(() => this.#readAgain(), causes);
    }
    this.#isRunning = false;
  }

  /** Loading waits for the disk, and everything else waits with it: what would not answer is found out before. */
  async #readAgain(): Promise<L> {
    for (const file of this.#files) {
      const stats = await stat(file).catch(() => undefined);
      if (stats?.isFile() === false) throw new Error(`${file} is not a file any more: put the file back`);
    }
    return this.read();
  }
}
