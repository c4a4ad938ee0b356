import { count, duration, throughput } from '../../telemetry/figures.ts';
import { quantile, type Flow } from '../../status/flow.ts';
import { HISTORY_SECONDS, type Look, type Moment } from '../../status/history.ts';
import { html, type Html } from './html.ts';

/** What has been since five minutes ago: operations, throughput, and how long commands took. */
export function charts({ status, moments }: Look): Html {
  return html`<div class="charts">
    ${rateChart(
      'Operations a second',
      moments,
      status.at,
      ({ iops }) => iops,
      (value) => `${count(value)}/s`,
    )}
    ${rateChart('Throughput', moments, status.at, ({ bytesPerSecond }) => bytesPerSecond, throughput)}
    ${heatMap(moments, status.at, status.bounds.durationSeconds)}
  </div>`;
}

const HEIGHT = 100;
const TIME_AXIS = html`<p class="time" aria-hidden="true"><span>5 min ago</span><span>now</span></p>`;
/** Where on the time axis. */
const x = (at: number, now: number): number => HISTORY_SECONDS - Math.min(HISTORY_SECONDS, now - at);

function rateChart(
  what: string,
  moments: readonly Moment[],
  now: number,
  of: (flow: Flow) => { readonly read: number; readonly write: number },
  format: (value: number) => string,
): Html {
  const top = Math.max(1, ...moments.flatMap(({ total }) => [of(total).read, of(total).write]));
  const line = (side: 'read' | 'write'): Html => {
    const points = moments.map(({ at, seconds, total }) => {
      const y = (HEIGHT * (1 - of(total)[side] / top)).toFixed(1);
      return `H${x(at - seconds, now).toFixed(1)}V${y}H${x(at, now).toFixed(1)}`;
    });
    if (points.length === 0) return html``;
    // Steps, each as long as it was measured; a gap goes on at the level before it.
    const [first, ...rest] = points;
    return html`<path class="${side}" d="M${first!.slice(1).replace('V', ' ')}${rest.join('')}" />`;
  };
  const latest = moments.at(-1);
  const [read, written] =
    latest === undefined ? [] : [of(latest.total).read, of(latest.total).write].map(format);
  const says =
    latest === undefined
      ? html`nothing measured yet`
      : html`now <b class="read">${read} read</b>, <b class="write">${written} written</b>; at most
          ${format(top)}`;
  return html`<figure class="chart">
    <figcaption>${what} <span>${says}</span></figcaption>
    <svg
      viewBox="0 0 ${HISTORY_SECONDS} ${HEIGHT}"
      preserveAspectRatio="none"
      role="img"
      aria-label="${what} in the last 5 minutes; now ${read ?? 'nothing'} read, ${written ?? 'nothing'} written; at most ${format(top)}"
    >
      ${line('read')}${line('write')}
    </svg>
    ${TIME_AXIS}
  </figure>`;
}

/** Steps of colour between the fewest and the most commands a second. */
const SHADES = 8;

/** Time across, latency upward; the more commands took so long, the stronger. One hue, so that no colours have to be told apart. */
function heatMap(moments: readonly Moment[], now: number, bounds: readonly number[]): Html {
  const rows = bounds.length + 1;
  const most = Math.max(
    1,
    ...moments.flatMap(({ seconds, total }) => total.durations.map((ended) => ended / seconds)),
  );
  const cells = Array.from({ length: rows }, (_, bucket) => {
    const y = rows - 1 - bucket;
    return runs(moments, (moment) => shade(moment.total.durations[bucket]! / moment.seconds, most)).map(
      ({ from, to, shade }) => {
        // Both ends rounded by themselves, so that neighbours meet.
        const [left, right] = [from, to].map((at) => Math.round(x(at, now) * 10) / 10) as [number, number];
        const width = (right - left).toFixed(1);
        return html`<rect class="h${shade}" x="${left.toFixed(1)}" y="${y}" width="${width}" height="1" />`;
      },
    );
  }).flat();
  return html`<figure class="chart heat">
    <figcaption>Latency <span>${heatMapText(moments, bounds, most)}</span></figcaption>
    <div class="heat-frame">
      <div class="rows" aria-hidden="true">
        ${Array.from({ length: rows }, (_, i) => html`<span>${label(rows - 1 - i, bounds)}</span>`)}
      </div>
      <svg
        viewBox="0 0 ${HISTORY_SECONDS} ${rows}"
        preserveAspectRatio="none"
        role="img"
        aria-label="${`Latency by time. ${heatMapText(moments, bounds, most)}`}"
      >
        ${cells}
      </svg>
    </div>
    ${TIME_AXIS}
  </figure>`;
}

/** 0 for none at all, and not in proportion, so that the one slow command among thousands is seen. */
function shade(perSecond: number, most: number): number {
  if (perSecond <= 0) return 0;
  return Math.max(1, Math.ceil(SHADES * (perSecond / most) ** 0.4));
}

interface Run {
  readonly from: number;
  to: number;
  readonly shade: number;
}

/** Neighbours of one shade are one rectangle; what has none is left out. */
function runs(moments: readonly Moment[], shadeOf: (moment: Moment) => number): Run[] {
  const found: Run[] = [];
  for (const moment of moments) {
    const shade = shadeOf(moment);
    if (shade === 0) continue;
    const from = moment.at - moment.seconds;
    const last = found.at(-1);
    if (last !== undefined && last.shade === shade && Math.abs(last.to - from) < 0.01) last.to = moment.at;
    else found.push({ from, to: moment.at, shade });
  }
  return found;
}

/** The power of ten on a row's upper bound. */
function label(bucket: number, bounds: readonly number[]): string {
  const bound = bounds[bucket];
  if (bound === undefined) return `> ${duration(bounds.at(-1))}`;
  return Number.isInteger(Number(Math.log10(bound).toFixed(6))) ? duration(bound).replace('.0', '') : '';
}

function heatMapText(moments: readonly Moment[], bounds: readonly number[], most: number): string {
  const counts = bounds.map(() => 0).concat(0);
  for (const { total } of moments) {
    for (const [bucket, ended] of total.durations.entries()) counts[bucket]! += ended;
  }
  const median = quantile(0.5, counts, bounds);
  if (median === undefined) return 'no command ended in the last 5 minutes';
  const p99 = quantile(0.99, counts, bounds);
  return `half below ${duration(median)}, 99 % below ${duration(p99)} in the last 5 minutes; strongest: ${count(most)}/s`;
}
