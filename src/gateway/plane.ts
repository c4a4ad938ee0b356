import type { Socket } from 'node:net';
import type { LedgerSnapshot } from '../accounting/snapshot.ts';
import type { Failure } from '../failures.ts';
import type { SessionSummary } from '../telemetry/sessionSummary.ts';
import type { WorkerFigures } from '../telemetry/workerFigures.ts';
import type { BackendState } from './backend.ts';
import type { Settings } from './inForce.ts';
import type { TrafficBySide } from './traffic.ts';

/** A connection that TCP has accepted, before anything else. */
export interface Accepted {
  /** The listener, by listenerKey. */
  readonly listener: string;
  readonly address: string;
  /** By `performance.now()`. */
  readonly at: number;
  /** Gives its place before authentication, or among those that wait, free; may be called more than once. */
  readonly leave: () => void;
  /**
   * Its certificate is good, and it says nothing yet: exchanges its place for one among those that wait.
   *
   * @param sha256 of its certificate
   * @returns false if there is none, and nothing has changed
   */
  readonly wait: (sha256: string) => boolean | Promise<boolean>;
}

/** Nobody has taken a connection after all: it is the caller's again, with its place. */
export type OnRefused = (failure: Failure) => void;

/** All that is told of the connections, in one reading. */
export interface PlaneFigures {
  readonly sessions: readonly SessionSummary[];
  /** Since the start; ended sessions included. */
  readonly traffic: TrafficBySide;
  readonly ledger: LedgerSnapshot;
  readonly backends: readonly BackendState[];
  /** Each one's own; none in one process. */
  readonly workers: readonly WorkerFigures[];
  /** How often a worker was lost. */
  readonly crashes: number;
}

/** Settings that everybody has and nobody goes by yet. */
export interface Prepared {
  /** From now on they hold. @returns how many sessions end */
  commit(): Promise<number>;
  /** They will not hold. */
  cancel(): void;
}

/** Where connections live once they are accepted: in this process, or spread over workers. */
export interface Plane {
  /** @throws if it can't take connections */
  start(): Promise<void>;
  /** It takes connections. */
  readonly isReady: boolean;
  /**
   * Has the socket from now on.
   *
   * @param onRefused called at most once, later: `not_taken`, or `worker_lost`
   * @throws Failure `worker_lost` if nobody can take it
   */
  take(socket: Socket, accepted: Accepted, onRefused: OnRefused): void;
  /** @throws if they can't hold; then nothing has changed */
  prepare(settings: Settings): Promise<Prepared>;
  figures(): Promise<PlaneFigures>;
  /** Asks all initiators to log out. Resolves when every session has ended, which all have when the time is over. */
  dismissAll(failure: Failure, graceMs: number): Promise<void>;
  /** Ends every session and connection. When it resolves, the observer has heard of all of them. */
  stop(failure: Failure): Promise<void>;
}
