import * as units from '@grafana/grafana-foundation-sdk/units';
import { figures, heatMap, lines, type Panel } from './panels.ts';
import { buckets, quantile, rate, ratio, READS_AND_WRITES, series, sum, type Scope } from './promql.ts';

// Panels about I/O that several dashboards have, each for the initiators, targets and LUNs that it is about (`scope`).

const READ = 'class="read"';
const WRITE = 'class="write"';
const NO_IO = 'no I/O';

const share = (counter: string, scope: Scope, which: string): string =>
  ratio(sum(rate(counter, scope, which)), sum(rate(counter, scope, READS_AND_WRITES)));

export const readsAndWritesByCommands = (scope: Scope) =>
  figures({
    title: 'Reads and writes, by commands',
    description:
      'Which part of the commands that move data are reads, and which are writes, now. Other commands (INQUIRY, TEST UNIT READY …) are left out. Idle: there is no share.',
    unit: units.PercentUnit,
    decimals: 1,
    max: 1,
    width: 12,
    empty: NO_IO,
    queries: [
      { expr: share('sangate_commands_total', scope, READ), legend: 'Reads' },
      { expr: share('sangate_commands_total', scope, WRITE), legend: 'Writes' },
    ],
  });

export const readsAndWritesByBytes = (scope: Scope) =>
  figures({
    title: 'Reads and writes, by bytes',
    description:
      'Which part of the bytes moved are read, and which are written, now. Differs from the share of commands where reads and writes differ in size.',
    unit: units.PercentUnit,
    decimals: 1,
    max: 1,
    width: 12,
    empty: NO_IO,
    queries: [
      { expr: share('sangate_command_bytes_total', scope, READ), legend: 'Reads' },
      { expr: share('sangate_command_bytes_total', scope, WRITE), legend: 'Writes' },
    ],
  });

export const shareOfReads = (scope: Scope) =>
  lines({
    title: 'Share of reads',
    description:
      'How the share of reads changes; what is missing to 100 % are writes. A gap is a time without I/O.',
    unit: units.PercentUnit,
    decimals: 1,
    max: 1,
    width: 24,
    empty: NO_IO,
    queries: [
      { expr: share('sangate_commands_total', scope, READ), legend: 'By commands' },
      { expr: share('sangate_command_bytes_total', scope, READ), legend: 'By bytes' },
    ],
  });

export const operations = (scope: Scope) =>
  lines({
    title: 'Operations (IOPS)',
    description:
      'SCSI commands a second, refused ones left out. Other: everything that neither reads nor writes the medium.',
    unit: units.IOOpsPerSecond,
    width: 12,
    stacked: true,
    queries: byClass((which) => sum(rate('sangate_commands_total', scope, which))),
  });

export const throughput = (scope: Scope) =>
  lines({
    title: 'Throughput',
    description: 'Bytes of data that commands really moved, a second; headers, TLS and login are not in it.',
    unit: units.BytesPerSecondSI,
    width: 12,
    stacked: true,
    queries: byClass((which) => sum(rate('sangate_command_bytes_total', scope, which))).slice(0, 2),
  });

/** @param which reads, writes or both */
export const latency = (scope: Scope, which = READS_AND_WRITES, title = 'Latency of reads and writes') =>
  lines({
    title,
    description:
      'From the arrival of a command at the gateway to its status: half, 95 % and 99 % of them were faster. Interpolated within buckets, 10 s at most. A gap is a time without I/O.',
    unit: units.Seconds,
    width: 12,
    empty: NO_IO,
    queries: quantiles('sangate_command_duration_seconds', scope, which),
  });

export const readLatency = (scope: Scope) => latency(scope, READ, 'Latency of reads');
export const writeLatency = (scope: Scope) => latency(scope, WRITE, 'Latency of writes');

export const arrayLatency = (scope: Scope) =>
  lines({
    title: "The array's own latency",
    description:
      'Time in which the gateway waited for the array, a command: half, 95 % and 99 % were faster. The network between gateway and array is in it; the one to the initiator is not.',
    unit: units.Seconds,
    width: 12,
    empty: NO_IO,
    queries: quantiles('sangate_command_target_duration_seconds', scope, READS_AND_WRITES),
  });

export const whereTheTimeGoes = (scope: Scope) => {
  const commands = sum(rate('sangate_command_duration_seconds_count', scope, READS_AND_WRITES));
  const mean = (counter: string): string => ratio(sum(rate(counter, scope, READS_AND_WRITES)), commands);
  return lines({
    title: 'Where the time goes',
    description:
      "The mean latency of a read or write, split: the array's part, the part in which data was awaited from the initiator, and the gateway's own work. Slow, and it is the array: look there. The initiator: its network or host.",
    unit: units.Seconds,
    width: 12,
    stacked: true,
    empty: NO_IO,
    queries: [
      { expr: mean('sangate_command_target_duration_seconds_sum'), legend: 'Array' },
      { expr: mean('sangate_command_initiator_wait_seconds_total'), legend: 'Initiator' },
      { expr: mean('sangate_command_gateway_seconds_total'), legend: 'Gateway' },
    ],
  });
};

export const latencyHeatMap = (scope: Scope) =>
  heatMap({
    title: 'Latency, heat map',
    description:
      'Reads and writes a second by latency. Two bands tell of two kinds of I/O, such as cache hits and misses, which no average shows.',
    unit: units.Seconds,
    width: 24,
    empty: NO_IO,
    queries: [
      { expr: buckets('sangate_command_duration_seconds', scope, [], READS_AND_WRITES), legend: '{{le}}' },
    ],
  });

export const sizeHeatMap = (scope: Scope) =>
  heatMap({
    title: 'Sizes, heat map',
    description: 'Reads and writes a second by how much data a command asks for.',
    unit: units.BytesIEC,
    width: 12,
    height: 8,
    empty: NO_IO,
    queries: [{ expr: buckets('sangate_command_size_bytes', scope, []), legend: '{{le}}' }],
  });

export const meanSize = (scope: Scope) => {
  const mean = (which: string): string =>
    ratio(
      sum(rate('sangate_command_size_bytes_sum', scope, which)),
      sum(rate('sangate_command_size_bytes_count', scope, which)),
    );
  return lines({
    title: 'Mean size',
    description:
      'How much data a read and a write ask for on average. A gap is a time without such commands.',
    unit: units.BytesIEC,
    width: 12,
    empty: NO_IO,
    queries: byClass(mean).slice(0, 2),
  });
};

/** What gets a line of its own. A LUN is one of its target: most targets have a LUN 0. */
const EACH = {
  initiator: { labels: ['initiator'], legend: '{{initiator}}', title: 'initiator' },
  target: { labels: ['target'], legend: '{{target}}', title: 'target' },
  lun: { labels: ['target', 'lun'], legend: 'LUN {{lun}} of {{target}}', title: 'LUN' },
} as const;
type Each = keyof typeof EACH;

export const queueDepth = (scope: Scope, each: Each) =>
  lines({
    title: `Queue depth by ${EACH[each].title}`,
    description:
      "How many commands were under way on average, by Little's law: their latencies, summed, in a second. It misses no short burst, as the number under way at the moment of a scrape does.",
    unit: units.Short,
    width: 12,
    stacked: true,
    queries: byEach(each, rate('sangate_command_duration_seconds_sum', scope)),
  });

export const inFlight = (scope: Scope, each: Each) =>
  lines({
    title: `Commands in flight by ${EACH[each].title}`,
    description:
      'Commands without a status yet, at the moments when Prometheus asked. Above 0 and nothing completes: the array hangs.',
    unit: units.Short,
    width: 12,
    stacked: true,
    queries: byEach(each, series('sangate_commands_in_flight', scope)),
  });

export const operationsBy = (scope: Scope, each: Each) =>
  lines({
    title: `Operations by ${EACH[each].title}`,
    description: `Reads and writes a second, for each ${EACH[each].title}.`,
    unit: units.IOOpsPerSecond,
    width: 12,
    queries: byEach(each, rate('sangate_commands_total', scope, READS_AND_WRITES)),
  });

export const throughputBy = (scope: Scope, each: Each) =>
  lines({
    title: `Throughput by ${EACH[each].title}`,
    description: `Bytes read and written a second, for each ${EACH[each].title}.`,
    unit: units.BytesPerSecondSI,
    width: 12,
    queries: byEach(each, rate('sangate_command_bytes_total', scope, READS_AND_WRITES)),
  });

const byEach = (each: Each, expr: string): Panel['queries'] => [
  { expr: sum(expr, ...EACH[each].labels), legend: EACH[each].legend },
];

function byClass(expr: (which: string) => string): Panel['queries'] {
  return [
    { expr: expr(READ), legend: 'Reads' },
    { expr: expr(WRITE), legend: 'Writes' },
    { expr: expr('class="other"'), legend: 'Other' },
  ];
}

function quantiles(histogram: string, scope: Scope, which: string): Panel['queries'] {
  return [0.5, 0.95, 0.99].map((q) => ({
    expr: quantile(q, histogram, scope, [], which),
    legend: `p${q * 100}`,
  }));
}
