import { describeWork, type Work } from './loads/work.ts';
import type { LineOptions } from './support/line.ts';
import { spread } from './support/statistics.ts';

/** One load on one path, once. */
export interface WanSample {
  readonly perSecond: number;
  /** CPU time of the tunnel's two ends together, and of the relay that is the line; 1 is a core. */
  readonly ends: number;
  readonly line: number;
}

export interface WanRow {
  /** As `--only` takes it. */
  readonly work: string;
  readonly load: Work;
  readonly path: string;
  readonly samples: readonly WanSample[];
}

const MEBIBYTE = 1024 * 1024;

/** In Markdown. Time is in round trips too, for one command after another says how often somebody waits for the other end. */
export function wanTable(
  machine: Readonly<Record<string, string>>,
  { roundTripMs, megabitsPerSecond, windowBytes }: LineOptions,
  capacity: number,
  rows: readonly WanRow[],
): string {
  const product = (megabitsPerSecond * 1e6 * roundTripMs) / 8 / 1000;
  const bytesPerSecond = (megabitsPerSecond * 1e6) / 8;
  const lines = rows.map(({ load, path, samples }) => {
    const isLogin = load.kind === 'logins';
    const depth = isLogin ? load.concurrency : load.depth;
    const { median, min, max } = spread(samples.map(({ perSecond }) => (1000 * depth) / perSecond));
    const rate = isLogin ? 0 : (1000 * depth * load.bytes) / median;
    return [
      describeWork(load),
      path,
      median.toFixed(1),
      `${min.toFixed(1)}–${max.toFixed(1)}`,
      (median / roundTripMs).toFixed(2),
      isLogin ? '' : (rate / 1e6).toFixed(1),
      isLogin ? '' : percent(rate / bytesPerSecond),
      percent(spread(samples.map(({ ends }) => ends)).median),
      percent(spread(samples.map(({ line }) => line)).median),
    ];
  });
  return [
    ...Object.entries(machine).map(([name, value]) => `- ${name}: ${value}`),
    `- the relay that is the line, with nothing to hold it back: ${(capacity / 1e6).toFixed(0)} MB/s one way`,
    '',
    `Round trip ${roundTripMs} ms, ${megabitsPerSecond} Mbit/s each way (${(bytesPerSecond / 1e6).toFixed(0)} MB/s),`,
    `${(windowBytes / MEBIBYTE).toFixed(0)} MiB of window; the bandwidth-delay product is ${(product / 1e6).toFixed(2)} MB.`,
    'Medians, lowest and highest. The last two columns are CPU time, of a core.',
    '',
    '| Work | Path | milliseconds each | lowest–highest | round trips | MB/s | of the line | both ends | line |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...lines.map((cells) => `| ${cells.join(' | ')} |`),
  ].join('\n');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
