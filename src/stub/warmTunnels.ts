import { WARM_TUNNEL_SECONDS } from '../config/warmTunnelLife.ts';
import type { Portal } from '../iscsi/targetAddress.ts';
import { closeAfterFlush } from '../transport/closeAfterFlush.ts';
import type { DialledTunnel } from './dialTunnel.ts';
import { troubleOf, type Trouble } from './trouble.ts';

export interface WarmTunnelsOptions {
  /** How many are kept. */
  readonly count: number;
  /** In the order in which they are preferred; `dial` gives back one of them. */
  readonly gateways: readonly Portal[];
  /** One more tunnel, its handshake done and its certificate checked. Must fail, not hang, when the signal aborts. @throws DialError */
  readonly dial: (signal: AbortSignal) => Promise<DialledTunnel>;
  /** Told when none can be had or kept, with the reason, again when that is of another kind, and when it is over: once each. */
  readonly onChange: (trouble: Error | undefined) => void;
  /** One had waited for so long that others would, and ended before its time. */
  readonly onCutShort: (gateway: Portal, seconds: number) => void;
  /** The trouble that what these take the place of has told last, and not its end. */
  readonly told: Trouble | undefined;
}

/** Of those to a gateway that is not the first: so long after the first is back, initiators go there again. */
const LIFETIME_ELSEWHERE_MS = 60_000;
/** Longer than a gateway takes that does not want it: in the handshake, or for want of a place to wait. */
const STEADY_MS = 30_000;
/** Whoever comes and goes on loopback shall not make the gateway's handshakes. */
const BETWEEN_RENEWALS_MS = 10_000;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;

interface Warm extends DialledTunnel {
  /** Place of its gateway among all. */
  readonly rank: number;
  /** Nobody has to look for another one. */
  isFresh: boolean;
  readonly release: () => void;
}

/**
 * Tunnels that are dialled before an initiator comes, so that its login waits neither for TCP nor for TLS. One is dialled at a
 * time. Whoever is to be replaced stays until its successor is there; whoever was lost is replaced after a pause, which grows
 * as long as that does not help.
 */
export class WarmTunnels {
  readonly #options: WarmTunnelsOptions;
  /** The newest is the last. */
  readonly #tunnels = new Set<Warm>();
  readonly #stopped = new AbortController();
  #isDialling = false;
  #pause: NodeJS.Timeout | undefined;
  #failures: number;
  #told: Trouble | undefined;
  #renewedAt = -Infinity;

  constructor(options: WarmTunnelsOptions) {
    this.#options = options;
    this.#told = options.told;
    this.#failures = options.told === undefined ? 0 : 1;
    this.#tend();
  }

  get size(): number {
    return this.#tunnels.size;
  }

  /** What has been told last, and not its end. */
  get told(): Trouble | undefined {
    return this.#told;
  }

  /** The caller's own from now on, who has to attach to it at once. The newest to the gateway that is preferred. */
  take(): DialledTunnel | undefined {
    let best: Warm | undefined;
    for (const warm of this.#tunnels) if (best === undefined || warm.rank <= best.rank) best = warm;
    best?.release();
    this.#tend();
    return best;
  }

  /** A gateway has answered through one of them: whatever was wrong is over. */
  proven(): void {
    this.#failures = 0;
    if (this.#told === undefined) return;
    this.#told = undefined;
    this.#options.onChange(undefined);
  }

  /** Gives up those that there are, for they may lead nowhere, and dials others; not at once again. */
  renew(): void {
    const now = performance.now();
    if (now - this.#renewedAt < BETWEEN_RENEWALS_MS) return;
    this.#renewedAt = now;
    for (const warm of this.#tunnels) retire(warm);
    this.#tend();
  }

  stop(): void {
    this.#stopped.abort();
    clearTimeout(this.#pause);
    for (const warm of this.#tunnels) retire(warm);
  }

  #tend(): void {
    const fresh = [...this.#tunnels].filter(({ isFresh }) => isFresh);
    const isBusy = this.#isDialling || this.#pause !== undefined || this.#stopped.signal.aborted;
    if (isBusy || fresh.length >= this.#options.count) return;
    this.#isDialling = true;
    void this.#dial().finally(() => {
      this.#isDialling = false;
      this.#tend();
    });
  }

  async #dial(): Promise<void> {
    const { signal } = this.#stopped;
    try {
      const tunnel = await this.#options.dial(signal);
      if (signal.aborted) tunnel.connection.destroy();
      else this.#keep(tunnel);
    } catch (error) {
      if (!signal.aborted) this.#fail(error as Error);
    }
  }

  #keep({ connection, portal }: DialledTunnel): void {
    const rank = this.#options.gateways.indexOf(portal);
    let isSteady = false;
    const steady = setTimeout(() => {
      isSteady = true;
      this.proven();
    }, STEADY_MS);
    const ageing = setTimeout(
      () => {
        warm.isFresh = false;
        this.#tend();
      },
      rank === 0 ? WARM_TUNNEL_SECONDS * 1000 : LIFETIME_ELSEWHERE_MS,
    );
    const since = performance.now();
    const onLost = (): void => {
      retire(warm);
      const seconds = Math.round((performance.now() - since) / 1000);
      if (!isSteady) return this.#fail(new Error(whyClosed(seconds)));
      this.#options.onCutShort(portal, seconds);
      this.#rest(FIRST_PAUSE_MS);
    };
    // A gateway says nothing before it is spoken to, so what says something is none.
    const events = ['data', 'end', 'error', 'close'] as const;
    for (const event of events) connection.on(event, onLost);
    const release = (): void => {
      clearTimeout(steady);
      clearTimeout(ageing);
      this.#tunnels.delete(warm);
      for (const event of events) connection.off(event, onLost);
    };
    const warm: Warm = { connection, portal, rank, isFresh: true, release };
    this.#tunnels.add(warm);
    if (this.#tunnels.size <= this.#options.count) return;
    const stale = [...this.#tunnels].find(({ isFresh }) => !isFresh);
    if (stale !== undefined) retire(stale);
  }

  #fail(error: Error): void {
    this.#failures++;
    this.#rest(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#failures - 1)));
    const trouble = troubleOf(error);
    if (trouble === this.#told) return;
    this.#told = trouble;
    this.#options.onChange(error);
  }

  /** Stubs that have all lost theirs at once do not all come back at once. */
  #rest(milliseconds: number): void {
    clearTimeout(this.#pause);
    this.#pause = setTimeout(
      () => {
        this.#pause = undefined;
        this.#tend();
      },
      milliseconds * (1 + Math.random() / 2),
    );
  }
}

function whyClosed(seconds: number): string {
  return `the gateway closes tunnels that wait, this one after ${seconds} s: its log says why; the gateway has stopped, or does not take this stub's certificate, or its limits.waiting, limits.waitingPerCertificate or limits.waitingSeconds are too small`;
}

function retire({ release, connection }: Warm): void {
  release();
  connection.on('error', () => {}); // of no interest any more
  closeAfterFlush(connection);
}
