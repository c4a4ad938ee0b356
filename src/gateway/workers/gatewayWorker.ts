import type { Socket } from 'node:net';
import { closedLedger, NOTHING_COUNTED } from '../../accounting/mergedLedger.ts';
import { packGatewayConfig } from '../../config/packedConfig.ts';
import { Failure } from '../../failures.ts';
import type { LedgerSnapshot } from '../../accounting/snapshot.ts';
import type { Observer } from '../../telemetry/events.ts';
import { packGatewayCredentials } from '../../tls/packedCredentials.ts';
import { Channel, type Handlers } from '../../workers/channel.ts';
import { HandedConnections } from '../../workers/handedConnections.ts';
import { monotonicNow } from '../../workers/monotonicNow.ts';
import { packFailure } from '../../workers/packedFailure.ts';
import type { Member, WorkerProcess } from '../../workers/supervisor.ts';
import type { BegunSession, Entrance, Guards } from '../guards.ts';
import type { Settings } from '../inForce.ts';
import type { Accepted, OnRefused } from '../plane.ts';
import { NOTHING_PASSED, type TrafficBySide } from '../traffic.ts';
import { toControl, toWorker, type PackedGatewaySettings, type GatewayWorkerFigures } from './protocol.ts';

export interface GatewayWorkerOptions {
  readonly guards: Guards;
  readonly observe: Observer;
  /** What it is to start with. */
  readonly settings: () => Settings;
  readonly challengeKey: Buffer;
}

/** Reading files and secrets is done; what is left is parsing, on a machine that may be busy. */
const SETTINGS_MS = 20_000;
/** Sessions are reconsidered in the meantime, each with its signatures. */
const COMMIT_MS = 60_000;
/** One that lets its event loop stand still for so long carries nobody's I/O. */
const ANSWER_MS = 20_000;
/** Beyond the time that initiators have. */
const GRACE_MS = 5_000;

/** Who is inside, from a worker. */
interface Inside {
  readonly entrance: Entrance;
  session?: BegunSession;
}

/** One worker as control has it: what it was given, and what has to be put right when it is lost. */
export class GatewayWorker implements Member {
  readonly #options: GatewayWorkerOptions;
  readonly #channel: Channel<typeof toControl, typeof toWorker>;
  /** With the place of each, in the anteroom or among those that wait. */
  readonly #connections: HandedConnections<Pick<Accepted, 'leave' | 'wait'>>;
  readonly #inside = new Map<number, Inside>();
  #isLost = false;
  #had = { connections: 0, sessions: 0 };
  #latest: GatewayWorkerFigures | undefined;

  constructor(
    { link }: WorkerProcess,
    worker: number,
    endIt: (why: string) => void,
    options: GatewayWorkerOptions,
  ) {
    this.#options = options;
    this.#channel = new Channel(link, {
      asks: toWorker,
      answers: toControl,
      handlers: this.#handlers(),
      onBroken: (error) => endIt(error.message),
    });
    this.#connections = new HandedConnections({
      worker,
      drop: (connection) => this.#channel.ask('drop', { connection }, ANSWER_MS),
      isGone: () => this.#channel.isClosed,
    });
  }

  get connections(): number {
    return this.#connections.size;
  }

  get notTakenAt(): number | undefined {
    return this.#connections.notTakenAt;
  }

  /** The last that is known. */
  get latest(): GatewayWorkerFigures | undefined {
    return this.#latest;
  }

  get process(): GatewayWorkerFigures['process'] | undefined {
    return this.#latest?.process;
  }

  /** What it took with it when it was lost. */
  get had(): { readonly connections: number; readonly sessions: number } {
    return this.#had;
  }

  async start(): Promise<void> {
    const { settings, challengeKey } = this.#options;
    await this.#channel.ask('start', { settings: pack(settings()), challengeKey }, SETTINGS_MS);
    await this.figures();
  }

  async ping(): Promise<void> {
    await this.figures();
  }

  /** As Plane.take. */
  take(socket: Socket, { listener, address, at, leave, wait }: Accepted, onRefused: OnRefused): void {
    const accepted = { listener, address, at: monotonicNow() - (performance.now() - at) };
    this.#connections.hand(
      { leave, wait },
      (connection, deadlineMs) => this.#channel.ask('take', { connection, ...accepted }, deadlineMs, socket),
      onRefused,
    );
  }

  prepare(settings: Settings): Promise<void> {
    return this.#channel.ask('prepare', { settings: pack(settings) }, SETTINGS_MS);
  }

  commit(): Promise<number> {
    return this.#channel.ask('commit', undefined, COMMIT_MS);
  }

  cancel(): void {
    this.#channel.tell('cancel', undefined);
  }

  async figures(): Promise<GatewayWorkerFigures> {
    const figures = await this.#channel.ask('figures', undefined, ANSWER_MS);
    if (!this.#isLost) this.#latest = figures;
    return figures;
  }

  dismissAll(failure: Failure, graceMs: number): Promise<void> {
    return this.#channel.ask('dismissAll', { failure: packFailure(failure), graceMs }, graceMs + GRACE_MS);
  }

  /** Ends all that it has. It is there still, and does nothing. */
  stop(failure: Failure): Promise<void> {
    return this.#channel.ask('stop', { failure: packFailure(failure) }, GRACE_MS);
  }

  /** Sessions that it had, as they were last seen: their end is told here, for nobody else can. */
  lost(): void {
    this.#isLost = true;
    const sessions = [...this.#inside.values()].filter(({ session }) => session !== undefined);
    const connections = this.#connections.clear();
    this.#had = { connections: connections.length, sessions: sessions.length };
    for (const { leave } of connections) leave();
    for (const { entrance, session } of this.#inside.values()) {
      entrance.leave();
      if (session !== undefined) this.#tellOfEnd(entrance.id, session);
    }
    this.#inside.clear();
  }

  #tellOfEnd(id: number, { peer, target }: BegunSession): void {
    const known = this.#latest?.sessions.find((session) => session.id === id);
    const {
      denials = 0,
      fromInitiator = NOTHING_PASSED.initiator,
      fromTarget = NOTHING_PASSED.target,
    } = known ?? {};
    const failure = new Failure(
      'worker_lost',
      'the worker that carried it is gone; the figures are the last known',
    );
    const figures = { denials, suppressed: 0, fromInitiator, fromTarget };
    this.#options.observe({
      kind: 'sessionEnded',
      peer,
      session: id,
      target,
      by: 'gateway',
      failure,
      ...figures,
    });
  }

  #handlers(): Handlers<typeof toControl> {
    const { guards, observe } = this.#options;
    return {
      leftPlace: ({ connection }) => this.#connections.get(connection)?.leave(),
      ended: ({ connection }) => this.#connections.remove(connection)?.leave(),
      wait: ({ connection, sha256 }) => this.#connections.get(connection)?.wait(sha256) ?? false,
      event: observe,
      enter: ({ entrance: number, presence, rule }) => {
        if (this.#inside.has(number)) throw new Error(`entrance ${number} is there already`);
        const entrance = guards.enter(presence, rule);
        this.#inside.set(number, { entrance });
        const { id, duplicateOf } = entrance;
        return { id, ...(duplicateOf && { duplicateOf }) };
      },
      begin: async ({ entrance: number, ...session }) => {
        const inside = this.#inside.get(number);
        if (inside === undefined) throw new Error(`entrance ${number} is not there`);
        inside.session = session;
        const ending = await inside.entrance.begin(session);
        const end = (): void => {
          const failure = packFailure(Failure.from(ending.reason));
          // Asked, not told: another session may wait for this one's end. One that is lost has ended all of its own.
          this.#channel.ask('end', { entrance: number, failure }, ANSWER_MS).catch(() => {});
        };
        if (ending.aborted) end();
        else ending.addEventListener('abort', end, { once: true });
      },
      leave: ({ entrance: number }) => {
        this.#inside.get(number)?.entrance.leave();
        this.#inside.delete(number);
      },
    };
  }
}

/** What a worker that is lost has come to. */
export interface Remains {
  readonly ledger: LedgerSnapshot;
  readonly traffic: TrafficBySide;
}

export function remainsOf({ latest }: GatewayWorker): Remains {
  return {
    ledger: latest === undefined ? NOTHING_COUNTED : closedLedger(latest.ledger),
    traffic: latest?.traffic ?? NOTHING_PASSED,
  };
}

const pack = ({ config, credentials }: Settings): PackedGatewaySettings => ({
  config: packGatewayConfig(config),
  credentials: credentials.map(packGatewayCredentials),
});
