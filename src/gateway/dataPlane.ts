import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Ledger } from '../accounting/ledger.ts';
import { Failure } from '../failures.ts';
import type { Challenges } from '../login/challenges.ts';
import type { Observer } from '../telemetry/events.ts';
import type { Doorkeeper } from './guards.ts';
import { Handshakes } from './handshakes.ts';
import { InForce, type Settings } from './inForce.ts';
import type { Accepted, Plane, PlaneFigures, Prepared } from './plane.ts';
import { SessionTable } from './sessionTable.ts';
import { Tunnel, type Arrival } from './tunnel.ts';
import { WaitingTunnels } from './waitingTunnels.ts';

export interface DataPlaneOptions {
  readonly settings: Settings;
  readonly challenges: Challenges;
  /** What those who are there have in common with those in other processes. */
  readonly guards: Doorkeeper;
  readonly observe: Observer;
}

/** How long an initiator whose session policy ends has to log out of its own accord. */
const DISMISSAL_MS = 1000;
/** So often certificates of running sessions are looked at: the end of validity comes without a reload. */
const EXPIRY_CHECK_MS = 30_000;

/** Connections from TCP's accept to their end, in this process: TLS, login, session, and the account of it. */
export class DataPlane implements Plane {
  readonly #options: DataPlaneOptions;
  readonly #sessions = new SessionTable();
  readonly #waiting = new WaitingTunnels();
  readonly #ledger = new Ledger({ now: () => performance.now() });
  /** By the listener that accepts them. */
  readonly #handshakes = new Map<string, Handshakes>();
  /** Of listeners that were taken out of the configuration; some of their connections are still there. */
  readonly #retired = new Set<Handshakes>();
  /** Until each has told the observer how it ended. */
  readonly #tunnels = new Set<Promise<void>>();
  #inForce: InForce;
  #expiryCheck: NodeJS.Timeout | undefined;
  #isStopping = false;

  constructor(options: DataPlaneOptions) {
    this.#options = options;
    this.#inForce = new InForce(options.settings, options.challenges);
    this.#useListeners();
  }

  start(): Promise<void> {
    this.#expiryCheck = setInterval(() => {
      this.#sessions.reconsiderExpired(this.#inForce, Date.now(), DISMISSAL_MS);
      this.#waiting.reconsiderExpired(this.#inForce, Date.now());
    }, EXPIRY_CHECK_MS);
    this.#expiryCheck.unref();
    return Promise.resolve();
  }

  get isReady(): boolean {
    return !this.#isStopping;
  }

  take(socket: Socket, accepted: Accepted): void {
    const handshakes = this.#handshakes.get(accepted.listener);
    if (handshakes === undefined || this.#isStopping) {
      throw new Failure('shutting_down', `nobody is let in at ${accepted.listener} any more`);
    }
    handshakes.begin(socket, accepted);
  }

  prepare(settings: Settings): Promise<Prepared> {
    const next = new InForce(settings, this.#options.challenges, this.#inForce);
    return Promise.resolve({ commit: () => this.#commit(next), cancel: () => {} });
  }

  figures(): Promise<PlaneFigures> {
    return Promise.resolve({
      sessions: this.#sessions.summaries,
      traffic: this.#sessions.traffic,
      ledger: this.#ledger.snapshot(),
      backends: this.#inForce.backends.map(({ state }) => state),
      workers: [],
      crashes: 0,
    });
  }

  dismissAll(failure: Failure, graceMs: number): Promise<void> {
    this.#waiting.close(failure);
    return this.#sessions.dismissAll(failure, graceMs);
  }

  async stop(failure: Failure): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#expiryCheck);
    this.#waiting.close(failure);
    this.#sessions.endAll(failure);
    for (const handshakes of [...this.#handshakes.values(), ...this.#retired])
      handshakes.destroyConnections();
    await Promise.all(this.#tunnels);
  }

  /** Whoever is in their login keeps what they began with to the login's end. */
  #commit(next: InForce): Promise<number> {
    const before = this.#inForce;
    this.#inForce = next;
    this.#useListeners();
    void this.#waiting.reconsiderAll(next, before);
    return this.#sessions.reconsiderAll(next, DISMISSAL_MS);
  }

  #useListeners(): void {
    const { listeners, loginTimeoutMs } = this.#inForce;
    for (const [key, handshakes] of this.#handshakes) {
      if (listeners.has(key)) continue;
      this.#handshakes.delete(key);
      this.#retired.add(handshakes);
    }
    for (const handshakes of this.#retired) if (handshakes.size === 0) this.#retired.delete(handshakes);
    for (const [key, { credentials }] of listeners) {
      const known = this.#handshakes.get(key);
      if (known !== undefined) known.use(credentials, loginTimeoutMs);
      else this.#handshakes.set(key, this.#newHandshakes(key, credentials, loginTimeoutMs));
    }
  }

  #newHandshakes(listener: string, ...settings: [credentials: Credentials, loginTimeoutMs: number]) {
    const serve = (socket: TLSSocket, arrival: Arrival): void => {
      const { challenges, guards, observe } = this.#options;
      const inForce = () => this.#inForce;
      const sessions = this.#sessions;
      const ledger = this.#ledger;
      const waiting = this.#waiting;
      const context = { listener, inForce, challenges, guards, waiting, sessions, ledger, observe };
      const running = new Tunnel(socket, context, arrival).run().finally(() => this.#tunnels.delete(running));
      this.#tunnels.add(running);
    };
    return new Handshakes(
      { observe: this.#options.observe, inForce: () => this.#inForce, serve },
      ...settings,
    );
  }
}

type Credentials = Settings['credentials'][number];
