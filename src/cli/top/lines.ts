import type pc from 'picocolors';
import { count, duration, percent, span, throughput } from '../../telemetry/figures.ts';
import { printable } from '../../telemetry/printable.ts';
import { readsAndWrites } from '../../status/flow.ts';
import type { Rates } from '../../status/rates.ts';
import type { Status } from '../../status/status.ts';
import { fit } from '../terminal/textColumns.ts';
import { tableOf } from './columns.ts';
import { rowsOf, type View } from './view.ts';

type Colors = ReturnType<typeof pc.createColors>;

/** What there is to show. */
export interface Shown {
  readonly status: Status;
  /** Absent until the second reading. */
  readonly rates?: Rates | undefined;
  /** Why there is no newer reading. */
  readonly problem?: string | undefined;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** How many refusals stand below, where the window is high enough for them. */
const REFUSALS = 3;
const HIGH = 20;

/** The whole window: as many lines as it has, none longer than it is wide. */
export function screen(shown: Shown, view: View, size: Size, colors: Colors): string[] {
  const { status, rates } = shown;
  if (view.isHelp) return filled(help(size.columns, colors), [], size.rows);
  const head = [...heading(shown, view, size.columns, colors), ''];
  const foot = [
    ...(size.rows >= HIGH ? refusalLines(status, REFUSALS, size.columns, colors) : []),
    prompt(view, size.columns, colors),
  ];
  if (rates === undefined) return filled([...head, 'measuring …'], foot, size.rows);
  const rows = rowsOf(rates, view);
  const room = Math.max(1, size.rows - head.length - foot.length - 1);
  const offset = Math.min(view.offset, Math.max(0, rows.length - room));
  const table = tableOf(rows, view.byLun, size.columns);
  const body = table.rows.slice(offset, offset + room).map((line) => fit(line, size.columns));
  const title = colors.inverse(
    fit(marked(table.head, view), size.columns).padEnd(Math.min(size.columns, 400)),
  );
  const none =
    view.filter === '' ? 'nobody is logged in' : 'nothing has that in its name: Esc ends the filter';
  return filled([...head, title, ...(body.length > 0 ? body : [fit(none, size.columns)])], foot, size.rows);
}

/** One reading over an interval, as text without an end to it: all lines, the latest refusals. */
export function snapshotText(shown: Shown, view: View, columns: number, colors: Colors): string {
  const { status, rates } = shown;
  const rows = rates === undefined ? [] : rowsOf(rates, view);
  const table = tableOf(rows, view.byLun, columns);
  return [
    ...heading(shown, view, columns, colors),
    '',
    ...(rows.length > 0 ? [table.head, ...table.rows] : ['nobody is logged in']),
    ...refusalLines(status, REFUSALS, columns, colors),
  ]
    .map((line) => line.trimEnd())
    .join('\n');
}

function heading({ status, rates, problem }: Shown, view: View, columns: number, colors: Colors): string[] {
  const { gateway, time, backends, sessions } = status;
  const up = span((Date.parse(time) - Date.parse(gateway.startedAt)) / 1000);
  const state = problem ?? (view.isPaused ? 'PAUSED' : gateway.isReady ? 'ready' : 'NOT READY');
  const paint = state === 'ready' ? colors.green : colors.yellow;
  const first = joined(
    [`sangate ${gateway.version}`, printable(state), `up ${up}`, `${time.slice(11, 19)} UTC`],
    columns,
  ).replace(printable(state), paint);
  if (rates === undefined) return [first];
  const { total, seconds } = rates;
  const denied = rates.nexuses.reduce((sum, { newDenials }) => sum + newDenials, 0);
  const arrays = `${backends.filter(({ isUp }) => isUp).length} of ${backends.length} arrays up`;
  return [
    first,
    shares('operations', total.readShare, columns, colors),
    shares('bytes', total.readByteShare, columns, colors),
    joined(
      [
        `${count(readsAndWrites(total))} IOPS`,
        `${count(total.iops.read)} reads`,
        `${count(total.iops.write)} writes`,
        `${throughput(total.bytesPerSecond.read)} read`,
        `${throughput(total.bytesPerSecond.write)} written`,
      ],
      columns,
    ),
    joined(
      [
        `latency ${duration(total.latency)}, array ${duration(total.targetLatency)}`,
        `99 % below ${duration(total.p99)}`,
        `${total.inFlight} in flight`,
        `event loop ${duration(gateway.eventLoopDelayP99Seconds)}`,
      ],
      columns,
    ),
    joined(
      [
        `${sessions.length} session${sessions.length === 1 ? '' : 's'}`,
        arrays,
        `${denied} denied`,
        `${count(total.failures)} failed/s`,
        `over ${seconds.toFixed(1)} s`,
      ],
      columns,
    ),
  ];
}

const BAR = 32;

/** Of reads and writes; in figures, and as a bar where there is room. */
function shares(what: string, readShare: number | undefined, columns: number, colors: Colors): string {
  if (readShare === undefined) return fit(`no I/O, by ${what}`, columns);
  const figures = `${percent(readShare).padStart(5)} reads ${percent(1 - readShare).padStart(5)} writes`;
  const text = `${figures} of ${what.padEnd(10)}`;
  if (text.length + 2 + BAR > columns) return fit(`${figures} of ${what}`, columns);
  const read = Math.round(readShare * BAR);
  return `${text}  ${colors.blue('█'.repeat(read))}${colors.yellow('░'.repeat(BAR - read))}`;
}

/** As many of these as fit on a line. */
function joined(parts: readonly string[], columns: number): string {
  let line = parts[0]!;
  for (const part of parts.slice(1)) {
    if (line.length + 3 + part.length > columns) break;
    line += `   ${part}`;
  }
  return fit(line, columns);
}

/** Which column the lines are sorted by. */
function marked(head: string, { sort, isReversed }: View): string {
  const sign = isReversed ? '^' : 'v';
  // In the place of the space before a figure's title, or behind a name's.
  if (sort === 'INITIATOR') return head.replace('INITIATOR ', `INITIATOR${sign}`);
  return head.replace(` ${sort}`, `${sign}${sort}`);
}

function refusalLines({ refusals, time }: Status, max: number, columns: number, colors: Colors): string[] {
  const lines = refusals.slice(0, max).map((refusal) => {
    const ago = span((Date.parse(time) - Date.parse(refusal.time)) / 1000);
    const times = refusal.count > 1 ? ` (${refusal.count} times)` : '';
    const who = refusal.initiator ?? refusal.certificate ?? refusal.address;
    const what = refusal.target === undefined ? '' : ` at ${refusal.target}`;
    const shadow = refusal.enforced ? '' : 'in shadow, ';
    const line = `${ago} ago${times}: ${shadow}${refusal.reason}: ${who}${what}`;
    return fit(printable(line), columns);
  });
  return lines.length === 0 ? [] : ['', colors.bold('REFUSED LATELY'), ...lines];
}

function prompt({ isTyping, filter, sort }: View, columns: number, colors: Colors): string {
  if (isTyping) return `filter: ${printable(filter)}_`.slice(0, columns);
  const filtered = filter === '' ? '/ filter' : `/ filter "${filter}"`;
  return colors.dim(
    joined(['q quit', '? help', `s sort: ${sort}`, 'r reverse', 'l LUNs', 'p pause', filtered], columns),
  );
}

function help(columns: number, colors: Colors): string[] {
  return [
    colors.bold('sangate top'),
    '',
    's S      sort by the next column, by the one before; r turns the order round',
    'l        a line for each logical unit, or for each initiator at a target',
    '/        filter by a part of a name; Enter keeps it, Esc ends it',
    'p Space  pause and go on',
    'Up Down PgUp PgDn Home  scroll',
    'q Ctrl-C quit',
    '',
    'LAT    mean time from a command to its status; ARRAY the array’s share of it',
    'P99    99 % of the commands took less, by the histogram',
    'DEPTH  commands without a status yet',
    'DENY   requests denied in sessions, since the gateway began',
    'SESS, DENY count for an initiator at a target, whatever the LUN',
    '',
    'Any key goes back.',
  ].map((line) => fit(line, columns));
}

/** Head at the top, foot at the bottom; what does not fit in between is left out. */
function filled(head: readonly string[], foot: readonly string[], rows: number): string[] {
  const kept = head.slice(0, Math.max(1, rows - foot.length));
  const empty = Array.from({ length: Math.max(0, rows - kept.length - foot.length) }, () => '');
  return [...kept, ...empty, ...foot].slice(0, rows);
}
