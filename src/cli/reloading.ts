import { FileWatch } from './fileWatch.ts';

/** A configuration as it was read. */
export interface Loaded {
  readonly config: { readonly watch: boolean };
  /** What it was read from. */
  readonly files: readonly string[];
}

/** Puts in force what `read` gives, or leaves everything as it is. Never rejects. */
export type Apply<L extends Loaded> = (read: () => L) => Promise<void>;

/** Reloads on SIGHUP and when a file has changed: never two at once, and once more if something changes meanwhile. */
export class Reloading<L extends Loaded> {
  readonly #load: () => L;
  readonly #watch = new FileWatch(() => this.#now());
  #apply: Apply<L> | undefined;
  #isRunning = false;
  #isDue = false;
  #isOver = false;

  /** From here on SIGHUP is ours, also while the service starts: unheard, it would end the process. */
  constructor(load: () => L) {
    this.#load = load;
    process.on('SIGHUP', this.#now);
  }

  /**
   * Loads; whatever changes from then on in what was loaded is a reason to do so again.
   *
   * @throws what loading throws
   */
  readonly read = (): L => {
    const loaded = this.#load();
    if (!this.#isOver) this.#watch.watch(loaded.config.watch ? loaded.files : []);
    return loaded;
  };

  /** The service runs: what has changed meanwhile, and what will, is put in force. */
  begin(apply: Apply<L>): void {
    this.#apply = apply;
    if (this.#isDue) this.#now();
  }

  stop(): void {
    this.#isOver = true;
    process.off('SIGHUP', this.#now);
    this.#watch.stop();
  }

  readonly #now = (): void => {
    this.#isDue = true;
    if (this.#apply !== undefined && !this.#isRunning) void this.#run(this.#apply);
  };

  async #run(apply: Apply<L>): Promise<void> {
    this.#isRunning = true;
    while (this.#isDue && !this.#isOver) {
      this.#isDue = false;
      await apply(this.read);
    }
    this.#isRunning = false;
  }
}
