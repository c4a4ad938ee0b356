import { count, duration, percent } from '../../telemetry/figures.ts';
import { printable } from '../../telemetry/printable.ts';
import { readsAndWrites, throughputOf } from '../../status/flow.ts';
import type { FlowRow } from '../../status/rates.ts';
import { columns, fitColumns } from '../terminal/textColumns.ts';

interface Column {
  readonly title: string;
  readonly width: number;
  readonly cell: (row: FlowRow) => string;
  /** Where there is no room for all, the highest goes first; those without stay. */
  readonly goes?: number;
}

const FIGURES: readonly Column[] = [
  { title: 'SESS', width: 4, cell: ({ sessions }) => count(sessions), goes: 7 },
  { title: 'IOPS', width: 5, cell: ({ flow }) => count(readsAndWrites(flow)) },
  { title: 'MB/s', width: 5, cell: ({ flow }) => megabytes(throughputOf(flow)) },
  { title: 'READ', width: 5, cell: ({ flow }) => percent(flow.readShare), goes: 1 },
  { title: 'LAT', width: 6, cell: ({ flow }) => duration(flow.latency), goes: 2 },
  { title: 'ARRAY', width: 6, cell: ({ flow }) => duration(flow.targetLatency), goes: 3 },
  { title: 'P99', width: 6, cell: ({ flow }) => duration(flow.p99), goes: 8 },
  { title: 'DEPTH', width: 5, cell: ({ flow }) => count(flow.inFlight), goes: 4 },
  { title: 'FAIL/s', width: 6, cell: ({ flow }) => count(flow.failures), goes: 6 },
  { title: 'DENY', width: 4, cell: ({ denials }) => count(denials), goes: 5 },
];
const LUN: Column = {
  title: 'LUN',
  width: 4,
  cell: ({ lun = '' }) => fitColumns(printable(lun), 4).trimEnd(),
};

const MIN_INITIATOR = 9;
const MIN_TARGET = 18;
/** Of the names, where even these make the line too long. */
const LEAST = 6;
/** From this width on, there are two spaces between columns. */
const SPACIOUS = 110;

export interface Table {
  readonly head: string;
  readonly rows: readonly string[];
}

/** Lines no longer than `width`; columns go where there is no room for them, so that the names stay readable. */
export function tableOf(rows: readonly FlowRow[], byLun: boolean, width: number): Table {
  const gap = ' '.repeat(width >= SPACIOUS ? 2 : 1);
  let figures = byLun ? [LUN, ...FIGURES] : [...FIGURES];
  const taken = (): number => figures.reduce((sum, { width }) => sum + gap.length + width, 0);
  const room = (): number => width - taken() - gap.length;
  while (room() < MIN_INITIATOR + MIN_TARGET) {
    const next = Math.max(...figures.map(({ goes = 0 }) => goes));
    if (next === 0) break;
    figures = figures.filter(({ goes }) => goes !== next);
  }
  const longest = (of: (row: FlowRow) => string, title: string): number =>
    Math.max(title.length, ...rows.map((row) => columns(printable(of(row)))));
  const names = Math.max(2 * LEAST, room());
  const initiator = Math.min(
    longest(({ initiator }) => initiator, 'INITIATOR'),
    Math.max(LEAST, Math.floor(names / 3)),
  );
  const target = Math.min(
    longest(({ target }) => target, 'TARGET'),
    names - initiator,
  );
  const line = (initiatorCell: string, targetCell: string, cell: (column: Column) => string): string =>
    [
      fitColumns(initiatorCell, initiator),
      fitColumns(targetCell, target),
      ...figures.map((column) => cell(column).padStart(column.width)),
    ].join(gap);
  return {
    head: line('INITIATOR', 'TARGET', ({ title }) => title),
    rows: rows.map((row) => line(printable(row.initiator), printable(row.target), ({ cell }) => cell(row))),
  };
}

/** `0`, `0.4`, `57`, `1234`. */
function megabytes(bytesPerSecond: number): string {
  const value = bytesPerSecond / 1e6;
  if (value > 0 && value < 0.05) return '<0.1';
  return value.toFixed(value > 0 && value < 9.95 ? 1 : 0);
}
