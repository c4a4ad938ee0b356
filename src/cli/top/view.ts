import { readsAndWrites, throughputOf } from '../../status/flow.ts';
import type { FlowRow, Rates } from '../../status/rates.ts';

/** What a person has chosen to see, and in which order. */
export interface View {
  readonly sort: SortKey;
  readonly isReversed: boolean;
  /** A line for each logical unit. */
  readonly byLun: boolean;
  /** What initiator, target or LUN must contain. */
  readonly filter: string;
  /** What is typed goes into the filter. */
  readonly isTyping: boolean;
  readonly isPaused: boolean;
  readonly isHelp: boolean;
  /** So many lines are scrolled away. */
  readonly offset: number;
}

/** What lines can be sorted by; figures begin with the greatest, names with A. */
const SORTS = {
  IOPS: ({ flow }: FlowRow) => readsAndWrites(flow),
  'MB/s': ({ flow }: FlowRow) => throughputOf(flow),
  READ: ({ flow }: FlowRow) => flow.readShare ?? -1,
  LAT: ({ flow }: FlowRow) => flow.latency ?? -1,
  ARRAY: ({ flow }: FlowRow) => flow.targetLatency ?? -1,
  DEPTH: ({ flow }: FlowRow) => flow.inFlight,
  DENY: ({ denials }: FlowRow) => denials,
  INITIATOR: () => 0,
} as const;

export type SortKey = keyof typeof SORTS;
export const SORT_KEYS = Object.keys(SORTS) as SortKey[];

export const FIRST_VIEW: View = {
  sort: 'IOPS',
  isReversed: false,
  byLun: false,
  filter: '',
  isTyping: false,
  isPaused: false,
  isHelp: false,
  offset: 0,
};

/** The lines of this view. Who has neither a session nor anything else is left out. */
export function rowsOf({ nexuses, luns }: Rates, { sort, isReversed, byLun, filter }: View): FlowRow[] {
  const wanted = filter.toLowerCase();
  return (byLun ? luns : nexuses)
    .filter((row) => isAlive(row) && nameOf(row).includes(wanted))
    .sort((a, b) => {
      const order = SORTS[sort](b) - SORTS[sort](a) || (nameOf(a) < nameOf(b) ? -1 : 1);
      return isReversed ? -order : order;
    });
}

const nameOf = ({ initiator, target, lun = '' }: FlowRow): string =>
  `${initiator} ${target} ${lun}`.toLowerCase();

function isAlive({ sessions, newDenials, flow }: FlowRow): boolean {
  return sessions > 0 || newDenials > 0 || flow.inFlight > 0 || readsAndWrites(flow) + flow.iops.other > 0;
}

/** A key as `node:readline` tells it. */
export interface Key {
  readonly name?: string | undefined;
  readonly sequence?: string | undefined;
  readonly ctrl?: boolean | undefined;
}

/** @param page how many lines the window shows */
export function press(
  view: View,
  { name = '', sequence = '', ctrl = false }: Key,
  page: number,
): View | 'quit' {
  if (ctrl) return name === 'c' || name === 'd' ? 'quit' : view;
  if (view.isTyping) return typed(view, name, sequence);
  if (view.isHelp) return { ...view, isHelp: false };
  const scrolled = (lines: number): View => ({ ...view, offset: Math.max(0, view.offset + lines) });
  switch (sequence) {
    case 'q':
      return 'quit';
    case 's':
      return { ...view, sort: neighbour(view.sort, 1) };
    case 'S':
      return { ...view, sort: neighbour(view.sort, -1) };
    case 'r':
      return { ...view, isReversed: !view.isReversed };
    case 'l':
      return { ...view, byLun: !view.byLun, offset: 0 };
    case '/':
      return { ...view, isTyping: true };
    case 'p':
    case ' ':
      return { ...view, isPaused: !view.isPaused };
    case 'h':
    case '?':
      return { ...view, isHelp: true };
  }
  switch (name) {
    case 'up':
      return scrolled(-1);
    case 'down':
      return scrolled(1);
    case 'pageup':
      return scrolled(-page);
    case 'pagedown':
      return scrolled(page);
    case 'home':
      return scrolled(-view.offset);
    case 'escape':
      return { ...view, filter: '', offset: 0 };
  }
  return view;
}

const MAX_FILTER = 60;

function typed(view: View, name: string, sequence: string): View {
  if (name === 'return' || name === 'enter') return { ...view, isTyping: false };
  if (name === 'escape') return { ...view, isTyping: false, filter: '', offset: 0 };
  if (name === 'backspace') return { ...view, filter: view.filter.slice(0, -1), offset: 0 };
  if (!/^[\p{L}\p{N}\p{P}\p{S} ]$/u.test(sequence) || view.filter.length >= MAX_FILTER) return view;
  return { ...view, filter: view.filter + sequence, offset: 0 };
}

function neighbour(sort: SortKey, step: number): SortKey {
  return SORT_KEYS[(SORT_KEYS.indexOf(sort) + step + SORT_KEYS.length) % SORT_KEYS.length]!;
}
