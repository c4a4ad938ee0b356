import { DURATION_BOUNDS, SIZE_BOUNDS } from '../accounting/buckets.ts';
import type {
  AccountSnapshot,
  ClassSnapshot,
  HistogramSnapshot,
  LedgerSnapshot,
} from '../accounting/snapshot.ts';
import type { GatewayEvent } from '../telemetry/events.ts';
import { residentBytes } from '../telemetry/residentBytes.ts';
import type { SessionSummary } from '../telemetry/sessionSummary.ts';
import type { WorkerFigures } from '../telemetry/workerFigures.ts';
import { EventLoopDelay } from '../telemetry/eventLoopDelay.ts';
import { Refusals } from './refusals.ts';
import type {
  AccountStatus,
  BackendStatus,
  ClassStatus,
  HistogramStatus,
  ListenerStatus,
  Status,
} from './status.ts';

/** What is asked for at each reading. */
export interface StatusSources {
  readonly isReady: () => boolean;
  readonly unauthenticated: () => number;
  readonly listeners: () => readonly ListenerStatus[];
  readonly figures: () => Promise<StatusFigures>;
}

/** Of the connections, wherever they are. */
export interface StatusFigures {
  readonly backends: readonly Omit<BackendStatus, 'sessions'>[];
  readonly sessions: readonly SessionSummary[];
  readonly ledger: LedgerSnapshot;
  /** None in one process. */
  readonly workers: readonly WorkerFigures[];
}

/** Keeps what only events tell, and puts it together with the rest when it is read. */
export class StatusBoard {
  readonly #version: string;
  readonly #sources: StatusSources;
  readonly #startedAt = new Date().toISOString();
  readonly #refusals = new Refusals();
  readonly #eventLoopDelay = new EventLoopDelay();
  #reload: Status['gateway']['reload'] = { settingsSince: this.#startedAt };

  constructor(version: string, sources: StatusSources) {
    this.#version = version;
    this.#sources = sources;
  }

  readonly observe = (event: GatewayEvent): void => {
    this.#refusals.observe(event);
    if (event.kind !== 'reload') return;
    const { settingsSince } = this.#reload;
    this.#reload =
      event.problem === undefined
        ? { settingsSince: new Date().toISOString() }
        : { settingsSince, problem: event.problem };
  };

  async read(): Promise<Status> {
    const { isReady, unauthenticated, listeners, figures } = this.#sources;
    const { backends, sessions, ledger, workers } = await figures();
    const { accounts, nexuses, overflow } = ledger;
    const delays = workers.map(({ eventLoopDelayP99Seconds }) => eventLoopDelayP99Seconds);
    return {
      schema: 1,
      at: performance.now() / 1000,
      time: new Date().toISOString(),
      gateway: {
        version: this.#version,
        startedAt: this.#startedAt,
        isReady: isReady(),
        unauthenticated: unauthenticated(),
        eventLoopDelayP99Seconds: Math.max(this.#eventLoopDelay.p99Seconds, ...delays),
        residentBytes: workers.reduce((sum, worker) => sum + worker.residentBytes, residentBytes()),
        reload: this.#reload,
      },
      ...(workers.length > 0 && { workers }),
      listeners: listeners(),
      backends: backends.map(({ name, isUp }) => ({
        name,
        isUp,
        sessions: sessions.filter(({ backend }) => backend === name).length,
      })),
      sessions,
      bounds: { durationSeconds: DURATION_BOUNDS, sizeBytes: SIZE_BOUNDS },
      accounts: accounts.map(accountStatus),
      nexuses: nexuses.map(({ denials, ...nexus }) => ({
        ...nexus,
        denials: denials.filter(({ count }) => count > 0),
      })),
      overflow,
      refusals: this.#refusals.latest,
    };
  }

  stop(): void {
    this.#eventLoopDelay.stop();
  }
}

function accountStatus({ initiator, target, lun, classes }: AccountSnapshot): AccountStatus {
  const { read, write, other } = classes;
  return {
    initiator,
    target,
    lun,
    classes: { read: classStatus(read), write: classStatus(write), other: classStatus(other) },
  };
}

/** The bounds are the same everywhere, so they are told once. */
function classStatus(figures: ClassSnapshot): ClassStatus {
  return {
    ...figures,
    duration: histogram(figures.duration),
    targetDuration: histogram(figures.targetDuration),
    size: histogram(figures.size),
  };
}

const histogram = ({ counts, sum }: HistogramSnapshot): HistogramStatus => ({ counts, sum });
