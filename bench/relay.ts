// What the relay costs, and accounting in it: sessions with policy on, and with account kept, against one whose bytes are only copied.
// `npm run bench:relay`
//
// Twice: without TLS, and with it on the initiator's leg. A gateway never runs without; so "against a build that only copies" is to be
// read in the table with TLS, where a copying gateway has the cost of TLS too. The one without is the relay under a magnifying glass.
import { Passage, type Pace } from './passage.ts';
import { copied, inMemory, relayed } from './support/relaying.ts';
import { spread } from './support/statistics.ts';
import { WORKLOADS, type Workload } from './workloads.ts';

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 151);
const ROUND_MS = Number(process.env['BENCH_ROUND_MS'] ?? 40);
const WARM_UP_MS = 1000;

/** In this order in every table. The second copies too, and shows what the machine's noise is worth. */
const CONTENDERS = {
  copied: () => copied,
  'copied again': () => copied,
  policy: (workload: Workload) => relayed(workload, false),
  'policy and accounting': (workload: Workload) => relayed(workload, true),
} as const;

const NAMES = Object.keys(CONTENDERS) as (keyof typeof CONTENDERS)[];
const POLICY = NAMES.indexOf('policy');
const ACCOUNTING = NAMES.indexOf('policy and accounting');

interface Row {
  readonly name: string;
  /** Medians. */
  readonly pace: Pace;
  /** Throughput against the copying session: the median of the rounds' own ratios. */
  readonly ratio: number;
  /** The same by CPU time, which a busy machine disturbs less: the copying session's against this one's. */
  readonly cpuRatio: number;
  /** Without sockets, for one exchange. */
  readonly nanoseconds: number;
}

interface Result {
  readonly workload: string;
  readonly rows: readonly Row[];
  /** CPU time that accounting adds to a session with policy, in parts of one. */
  readonly accounting: number;
}

async function measure(workload: Workload, hasTls: boolean): Promise<Result> {
  const makers = NAMES.map((name) => CONTENDERS[name](workload));
  const passage = await Passage.open(workload, hasTls, makers);
  for (const which of makers.keys()) await passage.run(which, WARM_UP_MS);
  const paces = makers.map((): Pace[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    // Each comes first in its turn, for it has the garbage of the one before.
    for (const i of makers.keys()) {
      const which = (round + i) % makers.length;
      paces[which]!.push(await passage.run(which, ROUND_MS));
    }
  }
  await passage.close();
  const nanoseconds = inMemory(workload, makers);
  const cpu = (which: number): number[] => paces[which]!.map(({ cpuMicroseconds }) => cpuMicroseconds);
  const rate = (which: number): number[] => paces[which]!.map(({ perSecond }) => perSecond);
  const rows = NAMES.map((name, i): Row => ({
    name,
    pace: { perSecond: spread(rate(i)).median, cpuMicroseconds: spread(cpu(i)).median },
    ratio: medianRatio(rate(i), rate(0)),
    cpuRatio: medianRatio(cpu(0), cpu(i)),
    nanoseconds: nanoseconds[i]!,
  }));
  return { workload: workload.name, rows, accounting: medianRatio(cpu(ACCOUNTING), cpu(POLICY)) - 1 };
}

/** Of what was measured in the same rounds. */
function medianRatio(values: readonly number[], others: readonly number[]): number {
  return spread(values.map((value, round) => value / others[round]!)).median;
}

function table(hasTls: boolean, results: readonly Result[]): string[] {
  const lines = results.flatMap(({ workload, rows, accounting }) =>
    rows.map(({ name, pace, ratio, cpuRatio, nanoseconds }, i) => {
      const cells = [
        i === 0 ? workload : '',
        name,
        `${pace.perSecond.toFixed(0)}/s`,
        `${pace.cpuMicroseconds.toFixed(2)} µs`,
        i === 0 ? '' : ratio.toFixed(3),
        i === 0 ? '' : cpuRatio.toFixed(3),
        `${nanoseconds.toFixed(0)} ns`,
        i === ACCOUNTING ? `${(100 * accounting).toFixed(1)} %` : '',
      ];
      return `| ${cells.join(' | ')} |`;
    }),
  );
  return [
    `${hasTls ? 'TLS on the initiator’s leg' : 'No TLS'}, depth 32:`,
    '',
    '| | | throughput | CPU for one | ratio | by CPU time | in memory | accounting adds |',
    '|---|---|---:|---:|---:|---:|---:|---:|',
    ...lines,
    '',
  ];
}

const tables = [];
for (const hasTls of [false, true]) {
  const results: Result[] = [];
  for (const workload of WORKLOADS) results.push(await measure(workload, hasTls));
  for (const line of table(hasTls, results)) console.log(line);
  tables.push({ hasTls, results });
}
console.log(JSON.stringify({ node: process.version, rounds: ROUNDS, roundMs: ROUND_MS, tables }));
process.exit(0);
