// sangate and stunnel over a long line to one disk in memory. `npm run bench:wan`, `npm run bench:wan -- --help`
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { Resources } from '../test/interop/support/resources.ts';
import { loginLoad, transferLoad } from './loads/ownLoads.ts';
import { describeWork, type Work } from './loads/work.ts';
import type { Path, Site } from './paths/path.ts';
import { PATHS, type PathName } from './paths/paths.ts';
import { compareNegotiated } from './preflight.ts';
import type { DelayRelayOptions } from './processes/delayRelay.ts';
import { mintCertificates } from './support/certificates.ts';
import { describeMachine } from './support/machine.ts';
import { Program } from './support/program.ts';
import { spread } from './support/statistics.ts';
import { startTgtd } from './support/tgtd.ts';

const HELP = `npm run bench:wan -- [options]

  --rtt MS         round trip of the line (default 50)
  --rate MBIT      of the line, each way (default 1000)
  --window BYTES   what one connection may have unacknowledged (default 16777216)
  --rounds N       rounds of all works on all paths, interleaved (default 3)
  --seconds N      length of one load (default 5)
  --only LIST      works and paths, with commas
  --out FILE       the figures as JSON`;

const KIB = 1024;
const DISK_MEBIBYTES = 256;
const COMPARED: readonly PathName[] = ['direct', 'stunnel', 'sangate'];

/** By the names that `--only` takes. */
const WAN_WORKS: Readonly<Record<string, Work>> = {
  login: { kind: 'logins', withDiscovery: false, concurrency: 1 },
  'discovery-login': { kind: 'logins', withDiscovery: true, concurrency: 1 },
  ...Object.fromEntries(
    [4, 16, 64, 256, 1024].flatMap((kib) => [
      [`read-${kib}k`, transfer('read', kib * KIB, 1)],
      [`write-${kib}k`, transfer('write', kib * KIB, 1)],
    ]),
  ),
  'read-64k-depth32': transfer('read', 64 * KIB, 32),
  'write-64k-depth32': transfer('write', 64 * KIB, 32),
  // more than the line holds
  'read-256k-depth32': transfer('read', 256 * KIB, 32),
  'write-256k-depth32': transfer('write', 256 * KIB, 32),
};

interface Row {
  readonly work: string;
  readonly path: PathName;
  /** Operations a second, for each round. */
  readonly perSecond: readonly number[];
}

const opened = new Resources();
try {
  await main();
} catch (error) {
  console.error(`bench:wan: ${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  await opened.release();
}

async function main(): Promise<void> {
  const options = parseOptions();
  const machine = await describeMachine(opened);
  const { portal, disk } = await startTgtd(opened, DISK_MEBIBYTES);
  const line = (to: string): Promise<string> => startLine({ ...options.line, to });
  const site: Site = {
    opened,
    portal,
    disk,
    certificates: await mintCertificates(opened),
    between: line,
    nodeFlags: [],
    workers: 1,
  };
  const paths = new Map<PathName, Path>();
  for (const name of options.paths) paths.set(name, await PATHS[name](site));
  await compareNegotiated(paths, site);
  const samples = new Map<string, number[]>();
  for (let round = 0; round < options.rounds; round++) {
    for (const work of options.works) {
      console.error(`bench:wan: round ${round + 1} of ${options.rounds}: ${work}`);
      for (const [name, path] of paths) {
        const at = { opened, portal: path.portal, disk: path.disk, seconds: options.seconds };
        const load = WAN_WORKS[work]!;
        const { perSecond } = await (load.kind === 'logins' ? loginLoad(load, at) : transferLoad(load, at));
        const key = `${work} ${name}`;
        samples.set(key, [...(samples.get(key) ?? []), perSecond]);
      }
    }
  }
  const rows = options.works.flatMap((work) =>
    options.paths.map((path): Row => ({ work, path, perSecond: samples.get(`${work} ${path}`)! })),
  );
  console.log(markdown(machine, options.line, rows));
  if (options.out !== undefined) {
    await writeFile(options.out, `${JSON.stringify({ machine, line: options.line, rows }, null, 1)}\n`);
  }
}

async function startLine(options: DelayRelayOptions): Promise<string> {
  const program = Program.script(opened, 'delayRelay', options);
  return program.find((line) => /^listening (.*)/.exec(line)?.[1], 'port of the line');
}

type LineOptions = Omit<DelayRelayOptions, 'to'>;

/** Time in round trips, for one command after another says how often somebody waits for the other end. */
function markdown(machine: Record<string, string>, line: LineOptions, rows: readonly Row[]): string {
  const { roundTripMs, megabitsPerSecond, windowBytes } = line;
  const product = (megabitsPerSecond * 1e6 * roundTripMs) / 8 / 1000;
  const lines = [
    ...Object.entries(machine).map(([name, value]) => `- ${name}: ${value}`),
    '',
    `Round trip ${roundTripMs} ms, ${megabitsPerSecond} Mbit/s each way, ${windowBytes / KIB / KIB} MiB of window;`,
    `the bandwidth-delay product is ${(product / 1e6).toFixed(2)} MB. Medians, lowest and highest.`,
    '',
    '| Work | Path | milliseconds each | lowest–highest | round trips | MB/s | of the line |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: |',
    ...rows.map(({ work, path, perSecond }) => {
      const load = WAN_WORKS[work]!;
      const depth = load.kind === 'logins' ? load.concurrency : load.depth;
      const { median, min, max } = spread(perSecond.map((rate) => (1000 * depth) / rate));
      const bytes = load.kind === 'logins' ? 0 : load.bytes;
      const rate = (depth * bytes) / median / 1000;
      const moved = [rate.toFixed(1), `${((800 * rate) / megabitsPerSecond).toFixed(0)} %`];
      const cells = [
        median.toFixed(1),
        `${min.toFixed(1)}–${max.toFixed(1)}`,
        (median / roundTripMs).toFixed(2),
      ];
      return `| ${[describeWork(load), path, ...cells, ...(bytes > 0 ? moved : ['', ''])].join(' | ')} |`;
    }),
  ];
  return lines.join('\n');
}

function transfer(operation: 'read' | 'write', bytes: number, depth: number): Work {
  return { kind: 'transfer', operation, bytes, isRandom: false, depth, sessions: 1 };
}

function parseOptions() {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      rtt: text,
      rate: text,
      window: text,
      rounds: text,
      seconds: text,
      only: { type: 'string', default: '' },
      out: text,
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  const number = (name: 'rtt' | 'rate' | 'window' | 'rounds' | 'seconds', preset: number): number => {
    const value = Number(values[name] ?? preset);
    if (!(value > 0)) throw new Error(`--${name}: ${values[name]} is not a number above 0`);
    return value;
  };
  const named = values.only.split(',').filter((name) => name !== '');
  const unknown = named.filter((name) => !(name in WAN_WORKS) && !COMPARED.includes(name as PathName));
  if (unknown.length > 0) throw new Error(`--only: there is no ${unknown.join(', ')}\n\n${HELP}`);
  const chosen = <T extends string>(all: readonly T[]): readonly T[] => {
    const some = all.filter((name) => named.includes(name));
    return some.length > 0 ? some : all;
  };
  return {
    line: {
      roundTripMs: number('rtt', 50),
      megabitsPerSecond: number('rate', 1000),
      windowBytes: number('window', 16 * KIB * KIB),
    },
    works: chosen(Object.keys(WAN_WORKS)),
    paths: chosen(COMPARED),
    rounds: number('rounds', 3),
    seconds: number('seconds', 5),
    ...(values.out !== undefined && { out: values.out }),
  };
}
