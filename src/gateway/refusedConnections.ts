import type { Failure } from '../failures.ts';
import type { Observer, Peer } from '../telemetry/events.ts';

const INTERVAL_MS = 1000;

/** Tells of refused connections at most once a second, so that a flood of them does not become a flood of log lines. */
export class RefusedConnections {
  readonly #observe: Observer;
  #suppressed = 0;
  #latest: { peer: Peer; failure: Failure } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(observe: Observer) {
    this.#observe = observe;
  }

  add(peer: Peer, failure: Failure): void {
    if (this.#timer !== undefined) {
      this.#suppressed++;
      this.#latest = { peer, failure };
      return;
    }
    this.#observe({ kind: 'refused', peer, failure, suppressed: 0 });
    this.#rest();
  }

  #rest(): void {
    this.#timer = setTimeout(() => this.#flush(), INTERVAL_MS);
    this.#timer.unref();
  }

  #flush(): void {
    this.#timer = undefined;
    const latest = this.#latest;
    const suppressed = this.#suppressed;
    this.#latest = undefined;
    this.#suppressed = 0;
    if (latest === undefined) return;
    this.#observe({ kind: 'refused', ...latest, suppressed: suppressed - 1 });
    this.#rest();
  }
}
