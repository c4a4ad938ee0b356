import type { Link } from './link.ts';

/** A worker's process, just started. */
export interface WorkerProcess {
  readonly pid: number;
  readonly link: Link;
  /** Ends it at once, whatever it does. */
  kill(): void;
  /** When it has ended, and how: `exit code 1`, `SIGKILL`. Never rejects. */
  readonly ended: Promise<string>;
}

/** Starts the process of the how-manieth worker, from 1. */
export type Launch = (number: number) => WorkerProcess;

/** What control has of one worker. */
export interface Member {
  /** Resolves when it can be given connections. @throws if that can't be */
  start(): Promise<void>;
  /** @throws if it does not answer */
  ping(): Promise<void>;
  /** Connections that it was given and that have not ended. */
  readonly connections: number;
  /** When it last failed to take a connection that it was given, by `performance.now()`. */
  readonly notTakenAt: number | undefined;
  /** What its process costs, when it last said so. */
  readonly process: { readonly cpuSeconds: number } | undefined;
  /** It has gone, or will not be waited for any more: nothing may stay that it had. */
  lost(): void;
}

/** A worker that takes connections. */
export interface Running<M extends Member> {
  readonly number: number;
  readonly pid: number;
  readonly member: M;
}

/** What a worker costs, and which it is. */
export type Cost<M extends Member> = NonNullable<M['process']> & {
  readonly number: number;
  readonly pid: number;
  readonly connections: number;
  /** Of those before in its place, too. */
  readonly cpuSeconds: number;
};

export interface Loss {
  readonly how: string;
  /** When the next one is started in its place; ms. */
  readonly restartMs: number;
}

export interface SupervisorOptions<M extends Member> {
  readonly count: number;
  readonly launch: Launch;
  /** @param endIt for what it says that makes no sense */
  readonly member: (process: WorkerProcess, number: number, endIt: (why: string) => void) => M;
  readonly onRunning: (running: Running<M>) => void;
  /** Not of one that was to stop. */
  readonly onLost: (running: Running<M>, loss: Loss) => void;
  /** @param inARow how many ended in this place, one soon after the other */
  readonly restartMs?: (inARow: number) => number;
  readonly pingMs?: number;
}

/** One that ends sooner than this has not worked. */
const SETTLED_MS = 60_000;
/** Often enough for figures that are not old when a worker dies. */
const PING_MS = 5_000;
/** One that has not taken a connection has few of them, and would be given the next one, too. */
const LEFT_OUT_MS = 10_000;
/** For what it has to do when it is to stop; its sessions have ended by then. */
const STOP_MS = 3_000;

/** Keeps so many workers running: one that ends is replaced, one that does not answer is ended. */
export class Supervisor<M extends Member> {
  readonly #options: SupervisorOptions<M>;
  readonly #places: Place<M>[];
  #pinging: NodeJS.Timeout | undefined;
  #losses = 0;
  #isStopping = false;

  constructor(options: SupervisorOptions<M>) {
    this.#options = options;
    this.#places = Array.from({ length: options.count }, (_, index) => ({
      number: index + 1,
      inARow: 0,
      cpuSeconds: 0,
    }));
  }

  /** @throws if a worker does not come up; then none is there */
  async start(): Promise<void> {
    const starting = await Promise.allSettled(this.#places.map((place) => this.#begin(place)));
    const failed = starting.find((result) => result.status === 'rejected');
    const gone = this.#places.find(({ running }) => running === undefined);
    if (failed !== undefined || gone !== undefined) {
      await this.stop();
      throw failed?.reason ?? new Error(`worker ${gone?.number} ended as soon as it had started`);
    }
    this.#pinging = setInterval(() => this.#ping(), this.#options.pingMs ?? PING_MS);
    this.#pinging.unref();
  }

  /** Those that take connections. */
  get running(): readonly Running<M>[] {
    return this.#places.flatMap(({ running }) => (running === undefined ? [] : [running]));
  }

  /** The one with the fewest connections, of those that have lately taken what they were given, if there are such. */
  get idlest(): M | undefined {
    const members = this.running.map(({ member }) => member);
    const since = performance.now() - LEFT_OUT_MS;
    return (
      idlestOf(members.filter(({ notTakenAt }) => notTakenAt === undefined || notTakenAt < since)) ??
      idlestOf(members)
    );
  }

  /** Of those that take connections and have said what they cost. */
  get costs(): readonly Cost<M>[] {
    return this.#places.flatMap(({ running, cpuSeconds }) => {
      if (running?.member.process === undefined) return [];
      const { number, pid, member } = running;
      const process: NonNullable<M['process']> = running.member.process;
      const { connections } = member;
      return [{ number, pid, connections, ...process, cpuSeconds: process.cpuSeconds + cpuSeconds }];
    });
  }

  /** How often a worker was lost. */
  get losses(): number {
    return this.#losses;
  }

  /** Those that there are, also if they are not ready yet. */
  get members(): readonly M[] {
    return this.#places.flatMap(({ process }) => (process === undefined ? [] : [process.member]));
  }

  /** Ends all of them, and waits until they have. @param farewell what each one does before */
  async stop(farewell: (member: M) => Promise<unknown> = () => Promise.resolve()): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#pinging);
    for (const { restart } of this.#places) clearTimeout(restart);
    const processes = this.#places.flatMap(({ process }) => (process === undefined ? [] : [process]));
    await Promise.all(
      processes.map(async (process) => {
        await farewell(process.member).catch(() => process.kill());
        process.link.close();
        const tooLong = setTimeout(() => process.kill(), STOP_MS);
        await process.ended;
        clearTimeout(tooLong);
      }),
    );
  }

  /** All at once; one that fails at it is ended, and another comes in its place. */
  async each(act: (member: M) => Promise<unknown>): Promise<void> {
    await Promise.all(
      this.members.map((member) =>
        act(member).catch((error: unknown) =>
          this.end(member, error instanceof Error ? error.message : String(error)),
        ),
      ),
    );
  }

  async #begin(place: Place<M>): Promise<void> {
    const { number } = place;
    const process = this.#options.launch(number);
    let fault: string | undefined;
    const endIt = (why: string): void => {
      fault ??= why;
      process.kill();
    };
    const member = this.#options.member(process, number, endIt);
    const startedAt = performance.now();
    place.process = { ...process, kill: () => process.kill(), member, endIt };
    const ended = process.ended.then((how) => {
      const description = fault === undefined ? how : `${how}: ${fault}`;
      this.#ended(place, { number, pid: process.pid, member }, description, startedAt);
      return description;
    });
    const isUp = member.start();
    const early = ended.then((how) => {
      throw new Error(`worker ${number} ended while it started: ${how}`);
    });
    early.catch(() => {}); // for a worker that ends later, nobody waits for this
    try {
      await Promise.race([isUp, early]);
    } catch (error) {
      isUp.catch(() => {});
      endIt(error instanceof Error ? error.message : String(error));
      throw error;
    }
    if (place.process?.member !== member) return;
    place.running = { number, pid: process.pid, member };
    this.#options.onRunning(place.running);
  }

  #ended(place: Place<M>, running: Running<M>, how: string, startedAt: number): void {
    delete place.process;
    delete place.running;
    running.member.lost();
    place.cpuSeconds += running.member.process?.cpuSeconds ?? 0;
    if (this.#isStopping || this.#pinging === undefined) return; // one of the first: `start` fails
    place.inARow = performance.now() - startedAt < SETTLED_MS ? place.inARow + 1 : 1;
    this.#losses++;
    const restartMs = (this.#options.restartMs ?? backOff)(place.inARow);
    this.#options.onLost(running, { how, restartMs });
    place.restart = setTimeout(() => {
      this.#begin(place).catch(() => {}); // its end was told, and is followed by the next one
    }, restartMs);
  }

  #ping(): void {
    for (const { member } of this.running) {
      member.ping().catch((error: unknown) => this.end(member, error instanceof Error ? error.message : ''));
    }
  }

  /** Ends a worker that can't be relied on; not one that is gone already, about which whoever asked it something hears first. */
  end(member: M, why: string): void {
    setImmediate(() => this.#places.find(({ process }) => process?.member === member)?.process?.endIt(why));
  }
}

interface Place<M extends Member> {
  readonly number: number;
  process?: WorkerProcess & { readonly member: M; readonly endIt: (why: string) => void };
  running?: Running<M>;
  restart?: NodeJS.Timeout;
  /** Of those that were lost. */
  cpuSeconds: number;
  /** How many ended, one soon after the other. */
  inARow: number;
}

function idlestOf<M extends Member>(members: readonly M[]): M | undefined {
  let idlest: M | undefined;
  for (const member of members)
    if (idlest === undefined || member.connections < idlest.connections) idlest = member;
  return idlest;
}

/** At once, then a second, and twice as long each time, up to half a minute. */
function backOff(inARow: number): number {
  return inARow === 1 ? 0 : Math.min(30_000, 500 * 2 ** (inARow - 1));
}
