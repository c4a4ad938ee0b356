import { DURATION_BOUNDS, SIZE_BOUNDS } from './buckets.ts';
import { CELL_LENGTH, FAILURE_NAMES, Figure } from './cell.ts';
import { OTHER as OTHER_CLASS, READ, WRITE } from './ioClass.ts';
import type { AccountSnapshot, ClassSnapshot, HistogramSnapshot } from './snapshot.ts';

/** What there is no place for by itself; no rule, target or LUN whose account this is has that name. */
export const OTHER = 'other';

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
      other: classSnapshot(figures, at + OTHER_CLASS * CELL_LENGTH),
    },
  };
}

function classSnapshot(figures: Float64Array, cell: number): ClassSnapshot {
  const figure = (place: number): number => figures[cell + place]!;
  const histogram = (bounds: readonly number[], buckets: number, sum: number): HistogramSnapshot => {
    const counts = [...figures.subarray(cell + buckets, cell + buckets + bounds.length + 1)];
    return { bounds, counts, sum, count: counts.reduce((all, count) => all + count, 0) };
  };
  const seconds = (place: number): number => figure(place) / 1000;
  const duration = histogram(DURATION_BOUNDS, Figure.durationBuckets, seconds(Figure.duration));
  const [commands, aborted, untimed] = [Figure.commands, Figure.aborted, Figure.untimed].map(figure);
  return {
    commands: commands!,
    bytes: figure(Figure.bytes),
    inFlight: commands! - aborted! - untimed! - duration.count,
    aborted: aborted!,
    untimed: untimed!,
    sequential: figure(Figure.sequential),
    duration,
    targetDuration: histogram(DURATION_BOUNDS, Figure.targetDurationBuckets, seconds(Figure.targetDuration)),
    initiatorWaitSeconds: seconds(Figure.initiatorWait),
    gatewaySeconds: seconds(Figure.gateway),
    size: histogram(SIZE_BOUNDS, Figure.sizeBuckets, figure(Figure.size)),
    r2ts: figure(Figure.r2ts),
    r2tWaitSeconds: seconds(Figure.r2tWait),
    failures: FAILURE_NAMES.flatMap((name, place) => {
      const count = figure(Figure.failures + place);
      return count === 0 ? [] : [{ ...name, count }];
    }),
  };
}
