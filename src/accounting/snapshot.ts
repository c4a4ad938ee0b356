import type { Side } from '../iscsi/side.ts';
import type { IoClass } from './ioClass.ts';

export interface HistogramSnapshot {
  /** Upper bounds, in seconds or bytes. */
  readonly bounds: readonly number[];
  /** How many fell between each bound and the one below it (not cumulative); one more than bounds, for what is above the last. */
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
}

export interface FailureSnapshot {
  /** `check-condition`, `busy`, … */
  readonly status: string;
  /** `medium-error`, …; `none` without sense data. */
  readonly senseKey: string;
  readonly count: number;
}

/** What one class of commands came to at one account, since the gateway began: `commands` = `duration.count` + `aborted` + `untimed` + `inFlight`. */
export interface ClassSnapshot {
  /** That went on to the target. */
  readonly commands: number;
  /** Really transferred, either way. */
  readonly bytes: number;
  readonly inFlight: number;
  /** Ended without a status: by task management, a Reject or the session's end. */
  readonly aborted: number;
  /** Counted and not timed, because too many were under way. Their bytes are those that were expected. */
  readonly untimed: number;
  /** Began where one of the last few of the same class had ended. */
  readonly sequential: number;
  /** From a command's arrival to its status. */
  readonly duration: HistogramSnapshot;
  /** Of that, how long the target had the ball. */
  readonly targetDuration: HistogramSnapshot;
  /** How long data that the target had asked for, or that was announced unsolicited, was awaited from the initiator. */
  readonly initiatorWaitSeconds: number;
  /** The gateway's own processing. */
  readonly gatewaySeconds: number;
  /** What the initiator expected to transfer, in bytes. */
  readonly size: HistogramSnapshot;
  readonly r2ts: number;
  /** How long the data of an R2T was awaited. */
  readonly r2tWaitSeconds: number;
  /** Only those that there were. */
  readonly failures: readonly FailureSnapshot[];
}

/** One logical unit as one initiator uses it. */
export interface AccountSnapshot {
  /** The rule's id, `db1`. */
  readonly initiator: string;
  readonly target: string;
  /** Canonical number, `report-luns`, or `other`: more than there was place for, or no form that we know. */
  readonly lun: string;
  readonly classes: Readonly<Record<IoClass, ClassSnapshot>>;
}

export interface SideSnapshot {
  /** How long this side was not read because the other one did not take more. */
  readonly backpressureSeconds: number;
  /** NOPs that were answered by this side, and how long that took. */
  readonly pings: number;
  readonly pingSeconds: number;
  /** PDUs of this side whose digest was wrong. */
  readonly digestErrors: number;
}

/** What is known of an initiator at a target beyond its commands. */
export interface NexusSnapshot {
  readonly initiator: string;
  readonly target: string;
  /** Open now. */
  readonly sessions: number;
  readonly sides: Readonly<Record<Side, SideSnapshot>>;
  readonly denials: readonly { readonly kind: string; readonly enforced: boolean; readonly count: number }[];
  /** Only those that there were. */
  readonly taskManagement: readonly {
    readonly function: string;
    readonly response: string;
    readonly count: number;
  }[];
}

export interface LedgerSnapshot {
  readonly accounts: readonly AccountSnapshot[];
  readonly nexuses: readonly NexusSnapshot[];
  /** Commands that were counted as `other` because there was no place for an account of their own. */
  readonly overflow: number;
}
