import { bytes, duration, span } from '../../telemetry/figures.ts';
import type { Look } from '../../status/history.ts';
import type { BackendStatus, ListenerStatus } from '../../status/status.ts';
import { html, type Html, type Value } from './html.ts';
import { name, pill, table } from './table.ts';

/** As the alerts have it. */
const WARNING_DAYS = 14;
const BAD_DAYS = 3;
const DAY_MS = 86_400_000;

/** What everything stands on: certificates with the days that they have left, arrays, and the gateway's own process. */
export function health({ status }: Look): { certificates: Html; backends: Html; gateway: Html } {
  const { gateway, listeners, backends, time, overflow } = status;
  const now = Date.parse(time);
  const left = (until: string | undefined): Value =>
    until === undefined ? 'none' : daysLeft((Date.parse(until) - now) / DAY_MS, until);
  return {
    certificates: table<ListenerStatus>({
      columns: [
        { title: 'Listener', cell: ({ listener }) => name(listener) },
        { title: 'Certificate', cell: ({ certificateNotAfter }) => left(certificateNotAfter) },
        { title: 'Revocation list', cell: ({ crlNextUpdate }) => left(crlNextUpdate) },
      ],
      rows: listeners,
      max: 100,
      none: 'No listener.',
    }),
    backends: table<BackendStatus>({
      columns: [
        { title: 'Array', cell: (backend) => name(backend.name) },
        { title: 'State', cell: ({ isUp }) => (isUp ? pill('good', 'up') : pill('bad', 'down')) },
        { title: 'Sessions', cell: ({ sessions }) => sessions, isFigure: true },
      ],
      rows: backends,
      max: 100,
      none: 'No array is configured.',
    }),
    gateway: html`<dl class="facts">
      ${fact('Settings in force', html`since ${span((now - Date.parse(gateway.reload.settingsSince)) / 1000)}`)}
      ${
        gateway.reload.problem === undefined
          ? undefined
          : fact('Last reload', html`${pill('bad', 'failed')} ${name(gateway.reload.problem)}`)
      }
      ${fact('Event loop', html`99 % less than ${duration(gateway.eventLoopDelayP99Seconds)} late`)}
      ${fact('Memory', bytes(gateway.residentBytes))}
      ${overflow === 0 ? undefined : fact('Without an account', html`${overflow} commands, counted as <i>other</i>`)}
    </dl>`,
  };
}

function daysLeft(days: number, until: string): Html {
  const date = html`<small><time datetime="${until}">until ${until.slice(0, 10)}</time></small>`;
  if (days < 0) return html`${pill('bad', 'over')}${date}`;
  const whole = Math.floor(days);
  const text = `${whole} day${whole === 1 ? '' : 's'} left`;
  const state = days < BAD_DAYS ? 'bad' : days < WARNING_DAYS ? 'warning' : 'good';
  return html`${pill(state, text)}${date}`;
}

const fact = (title: string, value: Value): Html =>
  html`<div>
    <dt>${title}</dt>
    <dd>${value}</dd>
  </div>`;
