import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { MergedLedger, NOTHING_COUNTED } from '../../accounting/mergedLedger.ts';
import { Failure } from '../../failures.ts';
import type { Observer } from '../../telemetry/events.ts';
import { Supervisor, type Launch, type Loss, type Running } from '../../workers/supervisor.ts';
import type { BackendState } from '../backend.ts';
import type { Guards } from '../guards.ts';
import type { Settings } from '../inForce.ts';
import type { Accepted, OnRefused, Plane, PlaneFigures, Prepared } from '../plane.ts';
import { NOTHING_PASSED, sumOfTraffic } from '../traffic.ts';
import { remainsOf, GatewayWorker, type Remains } from './gatewayWorker.ts';

export interface WorkerPlaneOptions {
  readonly count: number;
  readonly launch: Launch;
  readonly settings: Settings;
  readonly guards: Guards;
  readonly observe: Observer;
  /** How long after the how-manieth loss in a row the next worker is started; ms. */
  readonly restartMs?: (inARow: number) => number;
}

/** Who reads figures shall not wait for a worker that is busy; what is known of it is a few seconds old. */
const FIGURES_MS = 2_000;

/** Connections spread over workers: each is wholly one worker's. */
export class WorkerPlane implements Plane {
  readonly #observe: Observer;
  readonly #supervisor: Supervisor<GatewayWorker>;
  readonly #ledger = new MergedLedger();
  /** What lost workers have come to. */
  #remains: Remains = { ledger: NOTHING_COUNTED, traffic: NOTHING_PASSED };
  #settings: Settings;

  constructor({ count, launch, settings, guards, observe, restartMs }: WorkerPlaneOptions) {
    this.#observe = observe;
    this.#settings = settings;
    const challengeKey = randomBytes(32);
    const options = { guards, observe, challengeKey, settings: () => this.#settings };
    this.#supervisor = new Supervisor<GatewayWorker>({
      count,
      launch,
      member: (process, number, endIt) => new GatewayWorker(process, number, endIt, options),
      onRunning: ({ number, pid }) => observe({ kind: 'workerStarted', worker: number, pid }),
      onLost: (running, loss) => this.#lost(running, loss),
      ...(restartMs && { restartMs }),
    });
  }

  start(): Promise<void> {
    return this.#supervisor.start();
  }

  get isReady(): boolean {
    return this.#supervisor.running.length > 0;
  }

  take(socket: Socket, accepted: Accepted, onRefused: OnRefused): void {
    const worker = this.#supervisor.idlest;
    if (worker === undefined) throw new Failure('worker_lost', 'all workers are gone, and none is back yet');
    worker.take(socket, accepted, onRefused);
  }

  async prepare(settings: Settings): Promise<Prepared> {
    const ready = new Set(this.#supervisor.members);
    const cancel = (): void => {
      for (const worker of ready) worker.cancel();
    };
    const preparing = await Promise.allSettled([...ready].map((worker) => worker.prepare(settings)));
    for (const [index, result] of preparing.entries()) {
      if (result.status === 'fulfilled') continue;
      const worker = [...ready][index]!;
      if (this.#supervisor.members.includes(worker)) {
        cancel();
        throw result.reason;
      }
    }
    return { cancel, commit: () => this.#commit(settings, ready) };
  }

  async figures(): Promise<PlaneFigures> {
    const running = this.#supervisor.running;
    const soon = AbortSignal.timeout(FIGURES_MS);
    const tooLong = new Promise<void>((resolve) => soon.addEventListener('abort', () => resolve()));
    // One that is lost meanwhile is among the remains.
    await Promise.race([tooLong, Promise.allSettled(running.map(({ member }) => member.figures()))]);
    const there = this.#supervisor.running.flatMap(({ number, member: { latest } }) =>
      latest === undefined ? [] : [{ number, latest }],
    );
    const traffic = there.map(({ latest }) => latest.traffic);
    return {
      sessions: there.flatMap(({ number, latest }) =>
        latest.sessions.map(({ id, ...session }) => ({ id, worker: number, ...session })),
      ),
      traffic: sumOfTraffic([this.#remains.traffic, ...traffic]),
      ledger: this.#ledger.merge([this.#remains.ledger, ...there.map(({ latest }) => latest.ledger)]),
      backends: newestOf(there.map(({ latest }) => latest.backends)),
      workers: this.#supervisor.costs,
      crashes: this.#supervisor.losses,
    };
  }

  async dismissAll(failure: Failure, graceMs: number): Promise<void> {
    await this.#supervisor.each((worker) => worker.dismissAll(failure, graceMs));
  }

  async stop(failure: Failure): Promise<void> {
    await this.#supervisor.stop((worker) => worker.stop(failure));
  }

  /** One that can't follow is ended, and the next one in its place begins with what holds. */
  async #commit(settings: Settings, ready: ReadonlySet<GatewayWorker>): Promise<number> {
    this.#settings = settings;
    const ended: number[] = [];
    await this.#supervisor.each(async (worker) => {
      if (!ready.has(worker)) await worker.prepare(settings); // it came in between
      ended.push(await worker.commit());
    });
    return ended.reduce((sum, count) => sum + count, 0);
  }

  #lost({ number, pid, member }: Running<GatewayWorker>, { how, restartMs }: Loss): void {
    const { ledger, traffic } = remainsOf(member);
    this.#remains = {
      ledger: this.#ledger.merge([this.#remains.ledger, ledger]),
      traffic: sumOfTraffic([this.#remains.traffic, traffic]),
    };
    this.#observe({
      kind: 'workerLost',
      worker: number,
      pid,
      how,
      restartSeconds: restartMs / 1000,
      ...member.had,
    });
  }
}

/** Of each array what the worker says that tried it last. */
function newestOf(all: readonly (readonly BackendState[])[]): BackendState[] {
  const newest = new Map<string, BackendState>();
  for (const state of all.flat()) {
    const known = newest.get(state.name);
    if (known === undefined || (state.triedAt ?? 0) > (known.triedAt ?? 0)) newest.set(state.name, state);
  }
  return [...newest.values()];
}
