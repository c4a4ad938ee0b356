import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { Ledger } from '../accounting/ledger.ts';
import type { GatewayConfig } from '../config/gatewayConfig.ts';
import { Failure } from '../failures.ts';
import { Challenges } from '../login/challenges.ts';
import type { Observer } from '../telemetry/events.ts';
import { Anteroom } from './anteroom.ts';
import { Guards } from './guards.ts';
import { InForce, type Settings } from './inForce.ts';
import { Listener } from './listener.ts';
import { RefusalReport } from './refusalReport.ts';
import { SessionTable } from './sessionTable.ts';
import { Tunnel } from './tunnel.ts';

export interface GatewayOptions extends Settings {
  readonly observe: Observer;
}

/** What became of the sessions on a reload. */
export interface ReloadResult {
  readonly kept: number;
  readonly ended: number;
}

/** How long an initiator whose session policy ends has to log out of its own accord. */
const DISMISSAL_MS = 1000;
/** So often certificates of running sessions are looked at: the end of validity comes without a reload. */
const EXPIRY_CHECK_MS = 30_000;

/** All listeners, one Tunnel for each connection, and what holds for all of them: replaced on a reload, drained before a stop. */
export class Gateway {
  readonly sessions = new SessionTable();
  readonly ledger = new Ledger({ now: () => performance.now() });
  readonly #observe: Observer;
  readonly #challenges = new Challenges(randomBytes);
  readonly #guards = new Guards();
  readonly #anteroom: Anteroom;
  readonly #refusals: RefusalReport;
  readonly #listeners = new Map<string, Listener>();
  /** Taken out of the configuration; some of their connections are still there. */
  readonly #retired = new Set<Listener>();
  /** Until each has told the observer how it ended. */
  readonly #tunnels = new Set<Promise<void>>();
  #inForce: InForce;
  #expiryCheck: NodeJS.Timeout | undefined;
  #isStopping = false;

  constructor({ observe, ...settings }: GatewayOptions) {
    this.#observe = observe;
    this.#inForce = new InForce(settings, this.#challenges);
    this.#anteroom = new Anteroom(settings.config.limits);
    this.#refusals = new RefusalReport(observe);
  }

  /**
   * Starts every listener.
   *
   * @returns where each one listens
   * @throws the first listener's error; those that had started are closed again
   */
  async start(): Promise<AddressInfo[]> {
    const started = await this.#startListeners(this.#inForce);
    this.#open(started);
    this.#expiryCheck = setInterval(
      () => this.sessions.reconsiderExpired(this.#inForce, Date.now(), DISMISSAL_MS),
      EXPIRY_CHECK_MS,
    );
    this.#expiryCheck.unref();
    return [...started.values()].map(({ address }) => address);
  }

  /** True while every listener takes connections. */
  get isListening(): boolean {
    const listeners = [...this.#listeners.values()];
    return !this.#isStopping && listeners.length > 0 && listeners.every(({ isListening }) => isListening);
  }

  get config(): GatewayConfig {
    return this.#inForce.config;
  }

  get backends(): InForce['backends'] {
    return this.#inForce.backends;
  }

  /** Every listener that is configured, with its credentials. */
  get listeners(): InForce['listeners'] {
    return this.#inForce.listeners;
  }

  /** Connections that have not authenticated. */
  get unauthenticated(): number {
    return this.#anteroom.size;
  }

  /**
   * Puts new settings in force, all of them at once: for every connection from now on, and for every session that there is. New
   * listeners take connections before anything else changes; those that are gone take none.
   *
   * @throws a new listener's error; then everything is as it was
   */
  async reload(settings: Settings): Promise<ReloadResult> {
    const next = new InForce(settings, this.#challenges, this.#inForce);
    const started = await this.#startListeners(next);
    if (this.#isStopping) {
      for (const { listener } of started.values()) void listener.stopAccepting();
      throw new Failure('shutting_down', 'the gateway stops');
    }
    this.#inForce = next;
    this.#anteroom.limits = next.config.limits;
    for (const [key, listener] of this.#listeners) {
      const kept = next.listeners.get(key);
      if (kept !== undefined) listener.use(kept.credentials, next.loginTimeoutMs);
      else {
        this.#listeners.delete(key);
        this.#retired.add(listener);
        void listener.stopAccepting().then(() => this.#retired.delete(listener));
      }
    }
    this.#open(started);
    const ended = await this.sessions.reconsiderAll(next, DISMISSAL_MS);
    return { kept: this.sessions.size - ended, ended };
  }

  /** Takes no more connections, asks every initiator to log out, and stops when all have or the time for it is over. */
  async drain(): Promise<void> {
    this.#isStopping = true;
    for (const listener of this.#listeners.values()) void listener.stopAccepting();
    const seconds = this.#inForce.config.limits.drainSeconds;
    this.#observe({ kind: 'drain', sessions: this.sessions.size, seconds });
    await this.sessions.dismissAll(new Failure('shutting_down', 'the gateway stops'), seconds * 1000);
    await this.stop();
  }

  /** Stops listening and ends every session and connection. When it resolves, the observer has heard of all of them. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#expiryCheck);
    const listeners = [...this.#listeners.values(), ...this.#retired];
    const stopped = listeners.map((listener) => listener.stopAccepting());
    this.sessions.endAll(new Failure('shutting_down', 'the gateway stops'));
    for (const listener of listeners) listener.destroyConnections();
    await Promise.all(stopped);
    await Promise.all(this.#tunnels);
  }

  /** The listeners that `next` has and the gateway has not. @throws the first one's error; then none of them listens */
  async #startListeners(
    next: InForce,
  ): Promise<Map<string, { readonly listener: Listener; readonly address: AddressInfo }>> {
    const added = [...next.listeners].filter(([key]) => !this.#listeners.has(key));
    const starting = added.map(
      async ([
        key,
        {
          listener: { address },
          credentials,
        },
      ]) => {
        const listener = new Listener(
          {
            address,
            anteroom: this.#anteroom,
            refusals: this.#refusals,
            observe: this.#observe,
            inForce: () => this.#inForce,
            serve: (socket, arrival) => this.#run(new Tunnel(socket, this.#tunnelContext(key), arrival)),
          },
          credentials,
          next.loginTimeoutMs,
        );
        return [key, { listener, address: await listener.start() }] as const;
      },
    );
    const results = await Promise.allSettled(starting);
    const started = new Map(
      results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])),
    );
    const failed = results.find((result) => result.status === 'rejected');
    if (failed === undefined) return started;
    await Promise.all([...started.values()].map(({ listener }) => listener.stopAccepting()));
    throw failed.reason;
  }

  #open(started: ReadonlyMap<string, { readonly listener: Listener }>): void {
    for (const [key, { listener }] of started) {
      this.#listeners.set(key, listener);
      listener.open();
    }
  }

  #run(tunnel: Tunnel): void {
    const running = tunnel.run().finally(() => this.#tunnels.delete(running));
    this.#tunnels.add(running);
  }

  #tunnelContext(listener: string) {
    return {
      listener,
      inForce: () => this.#inForce,
      challenges: this.#challenges,
      guards: this.#guards,
      sessions: this.sessions,
      ledger: this.ledger,
      observe: this.#observe,
    };
  }
}
