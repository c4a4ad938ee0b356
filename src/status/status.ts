import type { AccountSnapshot, ClassSnapshot, NexusSnapshot } from '../accounting/snapshot.ts';
import type { IoClass } from '../accounting/ioClass.ts';
import type { SessionSummary } from '../telemetry/sessionSummary.ts';
import type { WorkerFigures } from '../telemetry/workerFigures.ts';
import type { Refusal } from './refusals.ts';

/**
 * Everything that the status page and `sangate top` show, in one reading: `GET /status.json`. What is counted only goes up while the
 * gateway runs, so a rate is the difference of two readings of one `startedAt`, by the difference of their `at`.
 */
export interface Status {
  /** Goes up when a reader of the version before would misunderstand; what is only added changes nothing. */
  readonly schema: 1;
  /** Seconds on a clock that never goes back; only differences mean anything. */
  readonly at: number;
  /** ISO 8601 in UTC, as all times here. */
  readonly time: string;
  readonly gateway: GatewayStatus;
  /** Absent in one process. */
  readonly workers?: readonly WorkerFigures[];
  readonly listeners: readonly ListenerStatus[];
  readonly backends: readonly BackendStatus[];
  readonly sessions: readonly SessionSummary[];
  /** Upper bounds of the histograms below: a value on a bound is below it, and one more count is for what is above the last. */
  readonly bounds: { readonly durationSeconds: readonly number[]; readonly sizeBytes: readonly number[] };
  readonly accounts: readonly AccountStatus[];
  /** What is known of initiators at targets beyond their commands. */
  readonly nexuses: readonly NexusSnapshot[];
  /** Commands that were counted as `other` because there was no place for an account of their own. */
  readonly overflow: number;
  /** The latest who were refused, newest first. */
  readonly refusals: readonly Refusal[];
}

export interface GatewayStatus {
  readonly version: string;
  readonly startedAt: string;
  /** Every listener takes connections. */
  readonly isReady: boolean;
  /** Connections in handshake or login. */
  readonly unauthenticated: number;
  /** How much later than it should the event loop did its work, in the 99th percentile of the last seconds; with workers, the latest of all. */
  readonly eventLoopDelayP99Seconds: number;
  /** Of all processes. */
  readonly residentBytes: number;
  readonly reload: {
    /** When the settings in force were read. */
    readonly settingsSince: string;
    /** Why the last reload changed nothing; absent if it did. */
    readonly problem?: string;
  };
}

export interface ListenerStatus {
  /** Its address in the configuration. */
  readonly listener: string;
  readonly certificateNotAfter: string;
  /** When everybody will be refused unless there is a new one; absent without a CRL. */
  readonly crlNextUpdate?: string;
}

export interface BackendStatus {
  readonly name: string;
  /** False if the last attempt to reach it failed, not long ago. */
  readonly isUp: boolean;
  readonly sessions: number;
}

export interface HistogramStatus {
  readonly counts: readonly number[];
  readonly sum: number;
}

type Histograms = 'duration' | 'targetDuration' | 'size';

export type ClassStatus = Omit<ClassSnapshot, Histograms> & Readonly<Record<Histograms, HistogramStatus>>;

/** One logical unit as one initiator uses it, since the gateway began. */
export interface AccountStatus extends Omit<AccountSnapshot, 'classes'> {
  readonly classes: Readonly<Record<IoClass, ClassStatus>>;
}
