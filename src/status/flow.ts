import { IO_CLASSES } from '../accounting/ioClass.ts';
import type { AccountStatus, ClassStatus } from './status.ts';

/** What went through between two readings, and what is under way at the second. */
export interface Flow {
  /** Commands a second. */
  readonly iops: { readonly read: number; readonly write: number; readonly other: number };
  readonly bytesPerSecond: { readonly read: number; readonly write: number };
  /** Reads among reads and writes; undefined if there was neither. */
  readonly readShare: number | undefined;
  readonly readByteShare: number | undefined;
  /** Mean time from a command's arrival to its status, in seconds; undefined if none ended. */
  readonly latency: number | undefined;
  /** The array's share of it. */
  readonly targetLatency: number | undefined;
  /** Estimated from the histogram. */
  readonly p50: number | undefined;
  readonly p99: number | undefined;
  readonly inFlight: number;
  /** Commands that ended with a status other than GOOD, a second. */
  readonly failures: number;
  /** How many commands ended, by duration. */
  readonly durations: readonly number[];
}

/** Sums of accounts, to be subtracted from one another. */
interface Tally {
  readonly commands: Record<(typeof IO_CLASSES)[number], number>;
  readonly bytes: Record<(typeof IO_CLASSES)[number], number>;
  durationSum: number;
  targetDurationSum: number;
  inFlight: number;
  failures: number;
  readonly durations: number[];
}

/**
 * @param before the same accounts at the first reading; what was not there then began at 0
 * @param bounds of durations, in seconds
 */
export function flowBetween(
  before: readonly AccountStatus[],
  now: readonly AccountStatus[],
  seconds: number,
  bounds: readonly number[],
): Flow {
  const tally = tallyOf(now, bounds.length + 1);
  subtract(tally, tallyOf(before, bounds.length + 1));
  const { commands, bytes, durations } = tally;
  const ended = sum(durations);
  return {
    iops: {
      read: commands.read / seconds,
      write: commands.write / seconds,
      other: commands.other / seconds,
    },
    bytesPerSecond: { read: bytes.read / seconds, write: bytes.write / seconds },
    readShare: share(commands.read, commands.write),
    readByteShare: share(bytes.read, bytes.write),
    latency: ended > 0 ? tally.durationSum / ended : undefined,
    targetLatency: ended > 0 ? tally.targetDurationSum / ended : undefined,
    p50: quantile(0.5, durations, bounds),
    p99: quantile(0.99, durations, bounds),
    inFlight: tally.inFlight,
    failures: tally.failures / seconds,
    durations,
  };
}

/** Reads and writes alone: what disks are measured in. */
export const readsAndWrites = ({ iops }: Flow): number => iops.read + iops.write;
export const throughputOf = ({ bytesPerSecond }: Flow): number => bytesPerSecond.read + bytesPerSecond.write;

/** As Prometheus reckons: evenly spread within a bucket. What is above the last bound is taken as that. */
export function quantile(
  q: number,
  counts: readonly number[],
  bounds: readonly number[],
): number | undefined {
  const total = sum(counts);
  if (total === 0) return undefined;
  let rest = q * total;
  for (const [bucket, bound] of bounds.entries()) {
    const here = counts[bucket]!;
    const below = bounds[bucket - 1] ?? 0;
    if (here > 0 && rest <= here) return below + (bound - below) * (rest / here);
    rest -= here;
  }
  return bounds.at(-1)!;
}

function tallyOf(accounts: readonly AccountStatus[], buckets: number): Tally {
  const tally: Tally = {
    commands: { read: 0, write: 0, other: 0 },
    bytes: { read: 0, write: 0, other: 0 },
    durationSum: 0,
    targetDurationSum: 0,
    inFlight: 0,
    failures: 0,
    durations: Array.from({ length: buckets }, () => 0),
  };
  for (const { classes } of accounts) {
    for (const ioClass of IO_CLASSES) {
      const figures = classes[ioClass];
      tally.commands[ioClass] += figures.commands;
      tally.bytes[ioClass] += figures.bytes;
      tally.durationSum += figures.duration.sum;
      tally.targetDurationSum += figures.targetDuration.sum;
      tally.inFlight += figures.inFlight;
      tally.failures += failuresOf(figures);
      for (let i = 0; i < buckets; i++) tally.durations[i]! += figures.duration.counts[i] ?? 0;
    }
  }
  return tally;
}

/** What is in flight is no count: it stays as it is now. */
function subtract(from: Tally, what: Tally): void {
  for (const ioClass of IO_CLASSES) {
    from.commands[ioClass] -= what.commands[ioClass];
    from.bytes[ioClass] -= what.bytes[ioClass];
  }
  from.durationSum -= what.durationSum;
  from.targetDurationSum -= what.targetDurationSum;
  from.failures -= what.failures;
  for (const [i, count] of what.durations.entries()) from.durations[i]! -= count;
}

const failuresOf = ({ failures }: ClassStatus): number => sum(failures.map(({ count }) => count));

const share = (part: number, rest: number): number | undefined =>
  part + rest > 0 ? part / (part + rest) : undefined;

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
