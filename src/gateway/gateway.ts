import type { AddressInfo } from 'node:net';
import type { GatewayConfig } from '../config/gatewayConfig.ts';
import { Failure } from '../failures.ts';
import type { Observer } from '../telemetry/events.ts';
import { Anteroom } from './anteroom.ts';
import type { Guards } from './guards.ts';
import { listenersOf, type Listeners, type Settings } from './inForce.ts';
import { Listener } from './listener.ts';
import type { Plane, PlaneFigures } from './plane.ts';
import { RefusedConnections } from './refusedConnections.ts';

export interface GatewayOptions extends Settings {
  readonly observe: Observer;
  /** Where connections go that were accepted. */
  readonly plane: Plane;
  /** Accepted connections go to another process. */
  readonly handsOver: boolean;
  /** Who is there, on whichever worker. */
  readonly guards: Guards;
}

/** What became of the sessions on a reload. */
export interface ReloadResult {
  readonly kept: number;
  readonly ended: number;
}

/** Where the gateway listens, and did not before; and where no longer. */
export interface ListenersMoved {
  readonly opened: readonly AddressInfo[];
  readonly closed: readonly AddressInfo[];
}

interface Started {
  readonly listener: Listener;
  readonly address: AddressInfo;
}

/** All listeners, the anteroom before whatever costs more, and what holds for all connections: replaced on a reload, drained before a stop. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #plane: Plane;
  readonly #anteroom: Anteroom;
  readonly #refusedConnections: RefusedConnections;
  readonly #listening = new Map<string, Started>();
  /** Taken out of the configuration; some of their connections are still there. */
  readonly #retired = new Set<Listener>();
  #settings: Settings & { readonly listeners: Listeners };
  #isStopping = false;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#plane = options.plane;
    this.#settings = { ...options, listeners: listenersOf(options) };
    this.#anteroom = new Anteroom(options.config.limits);
    this.#refusedConnections = new RefusedConnections(options.observe);
  }

  /**
   * Starts every listener.
   *
   * @returns where each one listens
   * @throws the plane's error, or the first listener's; what had started is closed again
   */
  async start(): Promise<AddressInfo[]> {
    await this.#plane.start();
    const started = await this.#startListeners(this.#settings.listeners).catch(async (error: unknown) => {
      await this.#plane.stop(new Failure('shutting_down', 'the gateway does not start'));
      throw error;
    });
    this.#open(started);
    return [...started.values()].map(({ address }) => address);
  }

  /** True while every listener takes connections, and somebody is there to carry them. */
  get isListening(): boolean {
    const listeners = [...this.#listening.values()];
    const areListening = listeners.length > 0 && listeners.every(({ listener }) => listener.isListening);
    return !this.#isStopping && this.#plane.isReady && areListening;
  }

  get config(): GatewayConfig {
    return this.#settings.config;
  }

  /** Every listener that is configured, with its credentials. */
  get listeners(): Listeners {
    return this.#settings.listeners;
  }

  /** Connections that have not authenticated. */
  get unauthenticated(): number {
    return this.#anteroom.strangers;
  }

  /** Tunnels that were dialled ahead: they wait for their initiator, or it is in its login. */
  get waiting(): number {
    return this.#anteroom.waiting;
  }

  /** Tunnels, so far, that were to wait and found no place. */
  get turnedAway(): number {
    return this.#anteroom.turnedAway;
  }

  figures(): Promise<PlaneFigures> {
    return this.#plane.figures();
  }

  /** Ends one session at an operator's word. @returns false if there is none with this id */
  kill(id: number, by: string): boolean {
    return this.#options.guards.end(id, new Failure('killed', `an operator ended it from ${by}`));
  }

  /**
   * Puts new settings in force, all of them at once: for every connection from now on, and for every session that there is. New
   * listeners take connections before anything else changes; those that are gone take none.
   *
   * @throws why they can't hold, or a new listener's error; then everything is as it was
   */
  async reload(settings: Settings): Promise<ReloadResult & ListenersMoved> {
    const prepared = await this.#plane.prepare(settings);
    const listeners = listenersOf(settings);
    const started = await this.#startListeners(listeners).catch((error: unknown) => {
      prepared.cancel();
      throw error;
    });
    if (this.#isStopping) {
      prepared.cancel();
      for (const { listener } of started.values()) void listener.stopAccepting();
      throw new Failure('shutting_down', 'the gateway stops');
    }
    this.#settings = { ...settings, listeners };
    this.#anteroom.use(settings.config.limits);
    const closed: AddressInfo[] = [];
    for (const [key, { listener, address }] of this.#listening) {
      if (listeners.has(key)) continue;
      closed.push(address);
      this.#listening.delete(key);
      this.#retired.add(listener);
      void listener.stopAccepting().then(() => this.#retired.delete(listener));
    }
    const committing = prepared.commit(); // it holds for whoever is accepted after this, and takes a while for the others
    this.#open(started);
    const ended = await committing;
    const kept = Math.max(0, this.#options.guards.sessions - ended);
    return { kept, ended, opened: [...started.values()].map(({ address }) => address), closed };
  }

  /** Takes no more connections, asks every initiator to log out, and stops when all have or the time for it is over. */
  async drain(): Promise<void> {
    this.#isStopping = true;
    for (const { listener } of this.#listening.values()) void listener.stopAccepting();
    const seconds = this.#settings.config.limits.drainSeconds;
    this.#options.observe({ kind: 'drain', sessions: this.#options.guards.sessions, seconds });
    await this.#plane.dismissAll(new Failure('shutting_down', 'the gateway stops'), seconds * 1000);
    await this.stop();
  }

  /** Stops listening and ends every session and connection. When it resolves, the observer has heard of all of them. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const listeners = [...[...this.#listening.values()].map(({ listener }) => listener), ...this.#retired];
    const stopped = listeners.map((listener) => listener.stopAccepting());
    await this.#plane.stop(new Failure('shutting_down', 'the gateway stops'));
    await Promise.all(stopped);
  }

  /** The listeners that are to be and are not. @throws the first one's error; then none of them listens */
  async #startListeners(listeners: Listeners): Promise<Map<string, Started>> {
    const added = [...listeners].filter(([key]) => !this.#listening.has(key));
    const starting = added.map(async ([key, { listener: configured }]) => {
      const listener = new Listener({
        key,
        address: configured.address,
        handsOver: this.#options.handsOver,
        anteroom: this.#anteroom,
        refusedConnections: this.#refusedConnections,
        take: (socket, accepted, onRefused) => this.#plane.take(socket, accepted, onRefused),
      });
      return [key, { listener, address: await listener.start() }] as const;
    });
    const results = await Promise.allSettled(starting);
    const started = new Map(
      results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])),
    );
    const failed = results.find((result) => result.status === 'rejected');
    if (failed === undefined) return started;
    await Promise.all([...started.values()].map(({ listener }) => listener.stopAccepting()));
    throw failed.reason;
  }

  #open(started: ReadonlyMap<string, Started>): void {
    for (const [key, one] of started) {
      this.#listening.set(key, one);
      one.listener.open();
    }
  }
}
