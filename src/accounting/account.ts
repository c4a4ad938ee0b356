import { DURATION_BOUNDS, SIZE_BOUNDS } from './buckets.ts';
import { CELL_LENGTH, FAILURE_NAMES, Figure } from './cell.ts';
import { OTHER, READ, WRITE } from './ioClass.ts';
import type { AccountSnapshot, ClassSnapshot, FailureSnapshot, HistogramSnapshot } from './snapshot.ts';

/** What there is no place for by itself; no rule, target or LUN whose account this is has that name. */
export const OTHER_NAME = 'other';

/** Whose figures begin where. */
export interface Account {
  readonly initiator: string;
  readonly target: string;
  readonly lun: string;
  /** Place of its first cell. */
  readonly at: number;
}

export function accountSnapshot(
  figures: Float64Array,
  { initiator, target, lun, at }: Account,
): AccountSnapshot {
  return {
    initiator,
    target,
    lun,
    classes: {
      read: classSnapshot(figures, at + READ * CELL_LENGTH),
      write: classSnapshot(figures, at + WRITE * CELL_LENGTH),
      other: classSnapshot(figures, at + OTHER * CELL_LENGTH),
    },
  };
}

function classSnapshot(figures: Float64Array, cell: number): ClassSnapshot {
  const commands = figures[cell + Figure.commands]!;
  const aborted = figures[cell + Figure.aborted]!;
  const untimed = figures[cell + Figure.untimed]!;
  const duration = histogram(
    DURATION_BOUNDS,
    figures,
    cell + Figure.durationBuckets,
    figures[cell + Figure.duration]! / 1000,
  );
  return {
    commands,
    bytes: figures[cell + Figure.bytes]!,
    inFlight: commands - aborted - untimed - duration.count,
    aborted,
    untimed,
    sequential: figures[cell + Figure.sequential]!,
    duration,
    targetDuration: histogram(
      DURATION_BOUNDS,
      figures,
      cell + Figure.targetDurationBuckets,
      figures[cell + Figure.targetDuration]! / 1000,
    ),
    initiatorWaitSeconds: figures[cell + Figure.initiatorWait]! / 1000,
    gatewaySeconds: figures[cell + Figure.gateway]! / 1000,
    size: histogram(SIZE_BOUNDS, figures, cell + Figure.sizeBuckets, figures[cell + Figure.size]!),
    r2ts: figures[cell + Figure.r2ts]!,
    r2tWaitSeconds: figures[cell + Figure.r2tWait]! / 1000,
    failures: failures(figures, cell + Figure.failures),
  };
}

function histogram(
  bounds: readonly number[],
  figures: Float64Array,
  at: number,
  sum: number,
): HistogramSnapshot {
  const counts: number[] = [];
  let count = 0;
  for (let bucket = at; bucket <= at + bounds.length; bucket++) {
    counts.push(figures[bucket]!);
    count += figures[bucket]!;
  }
  return { bounds, counts, sum, count };
}

function failures(figures: Float64Array, at: number): readonly FailureSnapshot[] {
  const found: FailureSnapshot[] = [];
  for (let place = 0; place < FAILURE_NAMES.length; place++) {
    const count = figures[at + place]!;
    if (count > 0) found.push({ ...FAILURE_NAMES[place]!, count });
  }
  return found;
}
