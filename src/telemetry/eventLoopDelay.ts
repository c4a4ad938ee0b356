import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';

const RESOLUTION_MS = 10;
/** What is told is about so long at least, however often it is asked for. */
const WINDOW_MS = 10_000;

/** How late the event loop is, by a timer that should fire every 10 ms. */
export class EventLoopDelay {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #window: NodeJS.Timeout;
  #p99: number | undefined;

  constructor() {
    this.#histogram.enable();
    this.#window = setInterval(() => {
      this.#p99 = this.#now();
      this.#histogram.reset();
    }, WINDOW_MS);
    this.#window.unref();
  }

  /** Of the last whole window, in seconds; of the time since the start while there is none. */
  get p99Seconds(): number {
    return this.#p99 ?? this.#now();
  }

  stop(): void {
    clearInterval(this.#window);
    this.#histogram.disable();
  }

  /** The histogram has the time from one firing to the next. */
  #now(): number {
    return Math.max(0, this.#histogram.percentile(99) / 1e6 - RESOLUTION_MS) / 1000;
  }
}
