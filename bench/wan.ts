// The ways to one disk in memory over a long line. `npm run bench:wan`, `npm run bench:wan -- --help`
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { Resources } from '../test/interop/support/resources.ts';
import { loginLoad, transferLoad } from './loads/ownLoads.ts';
import type { Work } from './loads/work.ts';
import type { Path, Site, StartPath } from './paths/path.ts';
import { PATHS } from './paths/paths.ts';
import { startSangate } from './paths/sangate.ts';
import { compareNegotiated } from './preflight.ts';
import { mintCertificates } from './support/certificates.ts';
import { lineCapacity, startLine } from './support/line.ts';
import { describeMachine } from './support/machine.ts';
import type { Program } from './support/program.ts';
import { startTgtd } from './support/tgtd.ts';
import { wanTable, type WanRow, type WanSample } from './wanReport.ts';

const HELP = `npm run bench:wan -- [options]

  --rtt MS         round trip of the line (default 50)
  --rate MBIT      of the line, each way (default 1000)
  --window BYTES   what one connection may have unacknowledged (default 16777216)
  --rounds N       rounds of all works on all paths, interleaved (default 3)
  --seconds N      length of one load (default 5)
  --only LIST      works and paths, with commas; of a kind that is not named, all
  --out FILE       the figures as JSON`;

const KIB = 1024;
const DISK_MEBIBYTES = 256;
/** As for `npm run bench`; and sangate whose stub dials when an initiator comes. */
const WAN_PATHS = {
  ...PATHS,
  'sangate-cold': (site: Site) => startSangate(site, { warmTunnels: 0 }),
} as const satisfies Record<string, StartPath>;

type WanPath = keyof typeof WAN_PATHS;

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
  const capacity = await lineCapacity(opened, options.line);
  const { portal, disk } = await startTgtd(opened, DISK_MEBIBYTES);
  const certificates = await mintCertificates(opened);
  const ways = new Map<WanPath, Way>();
  for (const name of options.paths) {
    const lines: Program[] = [];
    const between = async (to: string): Promise<string> => {
      const line = await startLine(opened, { ...options.line, to });
      lines.push(line.program);
      return line.address;
    };
    const path = await WAN_PATHS[name]({
      opened,
      portal,
      disk,
      certificates,
      between,
      nodeFlags: [],
      workers: 1,
    });
    ways.set(name, { path, line: lines[0]! });
  }
  const paths = new Map([...ways].map(([name, { path }]) => [name, path]));
  await compareNegotiated(paths, { opened, portal, disk, certificates, nodeFlags: [], workers: 1 });
  const samples = new Map<string, WanSample[]>();
  for (let round = 0; round < options.rounds; round++) {
    for (const work of options.works) {
      console.error(`bench:wan: round ${round + 1} of ${options.rounds}: ${work}`);
      for (const [name, way] of ways) {
        if (!isCompared(work, name)) continue;
        const key = `${work} ${name}`;
        samples.set(key, [
          ...(samples.get(key) ?? []),
          await measure(WAN_WORKS[work]!, way, options.seconds),
        ]);
      }
    }
  }
  const rows = options.works.flatMap((work) =>
    options.paths.flatMap((path): WanRow[] => {
      const taken = samples.get(`${work} ${path}`);
      return taken === undefined ? [] : [{ work, load: WAN_WORKS[work]!, path, samples: taken }];
    }),
  );
  console.log(wanTable(machine, options.line, capacity, rows));
  if (options.out !== undefined) {
    const figures = { machine, line: options.line, capacity, rows };
    await writeFile(options.out, `${JSON.stringify(figures, null, 1)}\n`);
  }
}

/** A path and the line in it. */
interface Way {
  readonly path: Path;
  readonly line: Program;
}

async function measure(work: Work, { path, line }: Way, seconds: number): Promise<WanSample> {
  const ends = path.tunnel ? [path.tunnel.client, path.tunnel.server] : [];
  const before = { ends: cpuOf(ends), line: cpuOf([line]) };
  const at = { opened, portal: path.portal, disk: path.disk, seconds };
  const result = await (work.kind === 'logins' ? loginLoad(work, at) : transferLoad(work, at));
  const microseconds = (1e6 * result.operations) / result.perSecond;
  return {
    perSecond: result.perSecond,
    ends: (cpuOf(ends) - before.ends) / microseconds,
    line: (cpuOf([line]) - before.line) / microseconds,
  };
}

function cpuOf(programs: readonly Program[]): number {
  return programs.reduce((sum, program) => sum + (program.cpuMicroseconds() ?? 0), 0);
}

/** Tunnels that are dialled ahead matter to a login alone. */
function isCompared(work: string, path: WanPath): boolean {
  return path !== 'sangate-cold' || WAN_WORKS[work]!.kind === 'logins';
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
  const unknown = named.filter((name) => !(name in WAN_WORKS) && !(name in WAN_PATHS));
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
    paths: chosen(Object.keys(WAN_PATHS) as WanPath[]),
    rounds: number('rounds', 3),
    seconds: number('seconds', 5),
    ...(values.out !== undefined && { out: values.out }),
  };
}
