import { createHash } from 'node:crypto';
import { span } from '../../telemetry/figures.ts';
import type { Look } from '../../status/history.ts';
import { charts } from './charts.ts';
import { health } from './health.ts';
import { html, Html } from './html.ts';
import { flows, refusals, sessions } from './lists.ts';
import { readWrite } from './readWrite.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';
import { pill } from './table.ts';
import { topology } from './topology.ts';

/** Without JavaScript the page asks for itself anew. */
const REFRESH_SECONDS = 5;

/** Our own, so nothing in them is escaped; to the last space what the hashes are of. */
const STYLE_ELEMENT = Html.of([`<style>${STYLE}</style>`], []);
const SCRIPT_ELEMENT = Html.of([`<script>${SCRIPT}</script>`], []);

/** What the page may do: its own style and script, known by their hashes, and asking for itself again. */
export const PAGE_HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    `style-src '${hashOf(STYLE)}'`,
    `script-src '${hashOf(SCRIPT)}'`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
} as const;

/** The status page: whole without a script, without a request to anywhere else, and with every value escaped. */
export function statusPage(look: Look): string {
  const { certificates, backends, gateway } = health(look);
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>sangate</title>
        <noscript><meta http-equiv="refresh" content="${REFRESH_SECONDS}" /></noscript>
        ${STYLE_ELEMENT}
      </head>
      <body>
        <header>
          <h1>sangate</h1>
          <div id="state" data-live>${headline(look)}</div>
          <p class="live">
            <span id="live" role="status">renewed every ${REFRESH_SECONDS} s</span>
            <button id="pause" type="button" hidden>Pause</button>
          </p>
        </header>
        <main>
          ${section('read-write', 'Reads and writes', readWrite(look))}
          ${section('topology', 'Who is on what', topology(look))}
          ${section('charts', 'The last five minutes', charts(look))}
          ${section('flows', 'By initiator, target and LUN', flows(look))}
          ${section('refusals', 'Refused', refusals(look))} ${section('sessions', 'Sessions', sessions(look))}
          <div class="row">
            ${section('certificates', 'Certificates', certificates)}
            ${section('backends', 'Arrays', backends)} ${section('gateway', 'Gateway', gateway)}
          </div>
        </main>
        ${SCRIPT_ELEMENT}
      </body>
    </html>`.toString();
}

function headline({ status: { gateway, time } }: Look): Html {
  const running = span((Date.parse(time) - Date.parse(gateway.startedAt)) / 1000);
  return html`<p>
    ${gateway.isReady ? pill('good', 'ready') : pill('bad', 'not ready')}
    ${gateway.reload.problem === undefined ? undefined : pill('bad', 'reload failed')}
    <span>gateway ${gateway.version}, running for ${running},</span>
    <time datetime="${time}">${time.slice(0, 19).replace('T', ' ')} UTC</time>
  </p>`;
}

/** What the script takes over is inside; the frame around it, which may be scrolled, stays. */
const section = (id: string, title: string, content: Html): Html =>
  html`<section aria-labelledby="${id}-title">
    <h2 id="${id}-title">${title}</h2>
    <div id="${id}" class="content" data-live>${content}</div>
  </section>`;

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
