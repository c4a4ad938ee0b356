import type { SessionSummary } from '../telemetry/sessionSummary.ts';
import { printable } from './printable.ts';

/** Who is on what, a few lines a session, none wider than `width`; long names lose their middle. */
export function sessionTable(sessions: readonly SessionSummary[], width: number): string {
  if (sessions.length === 0) return 'no sessions';
  const idWidth = Math.max(2, ...sessions.map(({ id }) => String(id).length));
  const indent = ' '.repeat(idWidth + 2);
  const row = (id: string, since: string, ...figures: string[]): string =>
    [id.padStart(idWidth), since.padEnd(16), ...figures.map((figure) => figure.padStart(9))].join('  ');
  return [
    row('ID', 'SINCE (UTC)', 'COMMANDS', 'SENT', 'RECEIVED', 'DENIED'),
    ...sessions.flatMap((session) => [
      row(
        String(session.id),
        session.since.slice(0, 16).replace('T', ' '),
        count(session.commands),
        bytes(session.fromInitiator.bytes),
        bytes(session.fromTarget.bytes),
        count(session.denials),
      ),
      `${indent}${session.initiator}`,
      `${indent}  from ${session.address}, ${session.certificate}`,
      `${indent}  on ${session.target}`,
      `${indent}  at ${session.backend}, ${session.portal}`,
    ]),
  ]
    .map((line) => fit(printable(line), width))
    .join('\n');
}

/** `512 B`, `1.5 KiB`, `20 GiB`: three digits at most before the unit. */
export function bytes(value: number): string {
  return scaled(value, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']);
}

/** `512`, `1.5 k`, `20 M`. */
export function count(value: number): string {
  return scaled(value, 1000, ['', 'k', 'M', 'G', 'T', 'P']).trimEnd();
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let figure = value;
  let unit = 0;
  // 999.5 would be written as 1000.
  while (figure >= (unit === 0 ? base : 999.5) && unit < units.length - 1) {
    figure /= base;
    unit++;
  }
  const digits = unit > 0 && figure < 9.95 ? 1 : 0;
  return `${figure.toFixed(digits)} ${units[unit]}`;
}

/** Cuts the middle out: a name's beginning says whose it is, its end which one. */
function fit(line: string, width: number): string {
  if (columns(line) <= width) return line;
  const rest = Array.from(new Intl.Segmenter().segment(line.trimStart()), ({ segment }) => segment);
  const indent = ' '.repeat(line.length - line.trimStart().length);
  let [head, tail] = ['', ''];
  // From both ends by turns, while it fits beside the ellipsis.
  for (let room = width - indent.length - 1; rest.length > 0;) {
    const takesFirst = columns(head) <= columns(tail);
    const next = (takesFirst ? rest.shift() : rest.pop())!;
    room -= columns(next);
    if (room < 0) break;
    if (takesFirst) head += next;
    else tail = next + tail;
  }
  return `${indent}${head}…${tail}`;
}

/** An upper bound: what may be two columns wide counts as two, so that no line wraps. */
function columns(text: string): number {
  return Array.from(text).reduce((sum, character) => sum + (character >= '\u{1100}' ? 2 : 1), 0);
}
