import { ScsiStatus } from '../scsi/status.ts';
import { SENSE_KEYS, senseKeyOf } from '../scsi/senseKey.ts';
import { DURATION_BOUNDS, SIZE_BOUNDS } from './buckets.ts';
import { IO_CLASSES } from './ioClass.ts';

/**
 * Where each figure of a cell stands. A cell has what is counted for one class of commands at one account, the cells of an account lie
 * side by side, and all of them in one Float64Array: a place in it is all that a command has to remember. Times are in milliseconds.
 */
export const Figure = {
  commands: 0,
  bytes: 1,
  /** Ended without a status. What is in flight is what did neither that nor show up in durationBuckets, nor was never timed. */
  aborted: 2,
  untimed: 3,
  sequential: 4,
  r2ts: 5,
  duration: 6,
  targetDuration: 7,
  initiatorWait: 8,
  r2tWait: 9,
  gateway: 10,
  size: 11,
  /** Where the last streams of commands ended, and which of these places is the oldest. */
  streams: 12,
  oldestStream: 16,
  durationBuckets: 17,
  targetDurationBuckets: 18 + DURATION_BOUNDS.length,
  sizeBuckets: 19 + 2 * DURATION_BOUNDS.length,
  failures: 20 + 2 * DURATION_BOUNDS.length + SIZE_BOUNDS.length,
} as const;

/** How many sequential streams of one direction on one LUN are told apart. */
export const STREAMS = 4;

/** Statuses in the place of which no other is counted. GOOD and CONDITION MET are no failures (SAM-5 §5.3.1). */
const STATUSES: readonly (readonly [code: number, name: string])[] = [
  [ScsiStatus.busy, 'busy'],
  [ScsiStatus.reservationConflict, 'reservation-conflict'],
  [ScsiStatus.taskSetFull, 'task-set-full'],
  [ScsiStatus.acaActive, 'aca-active'],
  [ScsiStatus.taskAborted, 'task-aborted'],
];
/** The iSCSI response says that the target failed, and there is no status (RFC 7143 §11.4.3). */
const TARGET_FAILURE = STATUSES.length;
const OTHER_STATUS = STATUSES.length + 1;
const CHECK_CONDITION = STATUSES.length + 2;
const NO_SENSE_DATA = CHECK_CONDITION + SENSE_KEYS.length;
const FAILURES = NO_SENSE_DATA + 1;

export const CELL_LENGTH = Figure.failures + FAILURES;
/** One cell for each class. */
export const ACCOUNT_LENGTH = IO_CLASSES.length * CELL_LENGTH;

/** What each place among a cell's failures stands for. */
export const FAILURE_NAMES: readonly { readonly status: string; readonly senseKey: string }[] = [
  ...[...STATUSES.map(([, name]) => name), 'target-failure', 'other'].map((status) => ({
    status,
    senseKey: 'none',
  })),
  ...[...SENSE_KEYS, 'none'].map((senseKey) => ({ status: 'check-condition', senseKey })),
];

/**
 * @param sense the sense data of a CHECK CONDITION, if it has any
 * @returns the failure's place, or -1 for none
 */
export function failureOf(response: number, status: number, sense: Uint8Array | undefined): number {
  if (response !== 0) return TARGET_FAILURE;
  if (status === ScsiStatus.good || status === ScsiStatus.conditionMet) return -1;
  if (status === ScsiStatus.checkCondition) {
    const key = sense === undefined ? undefined : senseKeyOf(sense);
    return key === undefined ? NO_SENSE_DATA : CHECK_CONDITION + key;
  }
  const known = STATUSES.findIndex(([code]) => code === status);
  return known === -1 ? OTHER_STATUS : known;
}
