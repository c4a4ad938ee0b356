import type { Flow } from './flow.ts';
import { ratesBetween, totalBetween, type Rates } from './rates.ts';
import type { Status } from './status.ts';

/** What went through all together, for one stretch of time. */
export interface Moment {
  /** Its end, on the clock of `Status.at`. */
  readonly at: number;
  readonly seconds: number;
  readonly total: Flow;
}

/** The gateway as it is now, and as it was in the minutes before. */
export interface Look {
  readonly status: Status;
  /** Over the last stretch; absent at first, and when nobody measured for long. */
  readonly rates?: Rates;
  /** Oldest first. */
  readonly moments: readonly Moment[];
}

/** Two who look shortly after one another see the same. */
const MIN_SECONDS = 1.5;
/** Over more, a mean says nothing about now: the machine was asleep. */
const MAX_SECONDS = 30;
/** When nobody looks, so that who then does sees what was. */
const INTERVAL_MS = 5000;
export const HISTORY_SECONDS = 300;

/** The last five minutes in stretches of 2 to 5 seconds; bounded. What is whose is reckoned only for those who look. */
export class History {
  /** As it is now. */
  readonly read: () => Promise<Status>;
  readonly #timer: NodeJS.Timeout;
  /** The last two readings that lie a stretch apart. */
  #before: Status | undefined;
  #latest: Status | undefined;
  #moments: Moment[] = [];

  constructor(read: () => Status | Promise<Status>) {
    this.read = async () => read();
    // What can't be read is left out; whoever looks hears why.
    this.#timer = setInterval(() => void this.#measure().catch(() => {}), INTERVAL_MS);
    this.#timer.unref();
  }

  async look(): Promise<Look> {
    const status = await this.#measure();
    const rates = this.#before && ratesBetween(this.#before, this.#latest!);
    return { status, ...(rates && { rates }), moments: this.#moments };
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #measure(): Promise<Status> {
    const status = await this.read();
    this.#latest ??= status;
    const seconds = status.at - this.#latest.at;
    if (seconds < MIN_SECONDS) return status;
    this.#before = seconds <= MAX_SECONDS ? this.#latest : undefined;
    this.#latest = status;
    const since = status.at - HISTORY_SECONDS;
    this.#moments = this.#moments.filter(({ at }) => at > since);
    const measured = this.#before && totalBetween(this.#before, status);
    if (measured !== undefined) this.#moments.push({ at: status.at, ...measured });
    return status;
  }
}
