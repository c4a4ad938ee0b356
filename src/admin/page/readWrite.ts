import { count, duration, percent, throughput } from '../../telemetry/figures.ts';
import { readsAndWrites, throughputOf, type Flow } from '../../status/flow.ts';
import type { Look } from '../../status/history.ts';
import { html, type Html, type Value } from './html.ts';

/** What people come for: the share of reads and of writes, and how much of both there is. */
export function readWrite({ status, rates }: Look): Html {
  if (rates === undefined) {
    return html`<p class="none">Measuring: rates are there with the next reading, in a few seconds.</p>`;
  }
  const { total } = rates;
  const denied = rates.nexuses.reduce((sum, { newDenials }) => sum + newDenials, 0);
  return html`<div class="shares">
      ${shares('of the operations', total.readShare)} ${shares('of the bytes', total.readByteShare)}
    </div>
    <dl class="tiles">
      ${tile(
        'Operations',
        html`${count(readsAndWrites(total))}<small>/s</small>`,
        html`<span class="read">${count(total.iops.read)} reads</span>,
          <span class="write">${count(total.iops.write)} writes</span>, ${count(total.iops.other)} other`,
      )}
      ${tile(
        'Throughput',
        throughput(throughputOf(total)),
        html`<span class="read">${throughput(total.bytesPerSecond.read)} read</span>,
          <span class="write">${throughput(total.bytesPerSecond.write)} written</span>`,
      )}
      ${tile('Latency', duration(total.latency), latencyShares(total))}
      ${tile('99 % are below', duration(total.p99), total.p50 === undefined ? 'nothing ended' : `half of them below ${duration(total.p50)}`)}
      ${tile('In flight', total.inFlight, 'without a status yet')}
      ${tile(
        'Sessions',
        status.sessions.length,
        `${status.gateway.unauthenticated} connection${status.gateway.unauthenticated === 1 ? '' : 's'} in login`,
      )}
      ${tile(
        'Denied in sessions',
        denied,
        `in the last ${Math.round(rates.seconds)} s; ${count(total.failures)} commands/s failed`,
      )}
    </dl>`;
}

function shares(what: string, readShare: number | undefined): Html {
  if (readShare === undefined) return html`<p class="share idle"><b>no I/O</b> ${what}</p>`;
  const [read, written] = [percent(readShare), percent(1 - readShare)];
  return html`<div class="share">
    <p><b class="read">${read} reads</b> <span>${what}</span> <b class="write">${written} writes</b></p>
    <svg
      viewBox="0 0 100 4"
      preserveAspectRatio="none"
      role="img"
      aria-label="${read} reads, ${written} writes ${what}"
    >
      <rect class="write" width="100" height="4" />
      <rect class="read" width="${(readShare * 100).toFixed(2)}" height="4" />
    </svg>
  </div>`;
}

function latencyShares({ latency, targetLatency }: Flow): string {
  if (latency === undefined || targetLatency === undefined) return 'nothing ended';
  const share = latency > 0 ? targetLatency / latency : undefined;
  return `of it the array ${duration(targetLatency)} (${percent(share)})`;
}

const tile = (title: string, figure: Value, more: Value): Html =>
  html`<div>
    <dt>${title}</dt>
    <dd><strong>${figure}</strong> <span>${more}</span></dd>
  </div>`;
