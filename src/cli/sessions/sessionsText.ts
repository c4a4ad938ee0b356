import { bytes, count } from '../../telemetry/figures.ts';
import { printable } from '../../telemetry/printable.ts';
import type { SessionSummary } from '../../telemetry/sessionSummary.ts';
import { fit } from '../terminal/textColumns.ts';

/** Who is on what, a few lines a session, none wider than `width`; long names lose their middle. */
export function sessionsText(sessions: readonly SessionSummary[], width: number): string {
  if (sessions.length === 0) return 'no sessions';
  const idWidth = Math.max(2, ...sessions.map(({ id }) => String(id).length));
  const indent = ' '.repeat(idWidth + 2);
  const row = (id: string, since: string, ...figures: string[]): string =>
    [id.padStart(idWidth), since.padEnd(16), ...figures.map((figure) => figure.padStart(10))].join('  ');
  return [
    row('ID', 'SINCE (UTC)', 'COMMANDS', 'TO ARRAY', 'FROM ARRAY', 'DENIED'),
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
