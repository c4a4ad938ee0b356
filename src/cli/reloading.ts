import { FileWatch } from './fileWatch.ts';

/** Reads what is to be put in force, and does so. @returns the files to watch from now on; absent: as before */
export type Reload = () => Promise<readonly string[] | undefined>;

export interface ReloadingOptions {
  readonly reload: Reload;
  /** What is watched at first. */
  readonly files: readonly string[];
}

/** Reloads on SIGHUP and when a file has changed: never two at once, and once more if something changes meanwhile. */
export class Reloading {
  readonly #reload: Reload;
  readonly #watch = new FileWatch(() => this.#now());
  #isRunning = false;
  #isDue = false;
  #isOver = false;

  constructor({ reload, files }: ReloadingOptions) {
    this.#reload = reload;
    this.#watch.watch(files);
    process.on('SIGHUP', this.#now);
  }

  stop(): void {
    this.#isOver = true;
    process.off('SIGHUP', this.#now);
    this.#watch.stop();
  }

  readonly #now = (): void => {
    this.#isDue = true;
    if (!this.#isRunning) void this.#run();
  };

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#isDue && !this.#isOver) {
      this.#isDue = false;
      const files = await this.#reload();
      if (files !== undefined && !this.#isOver) this.#watch.watch(files);
    }
    this.#isRunning = false;
  }
}
