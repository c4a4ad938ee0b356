// sangate beside other tunnels on the way to one disk in memory. `npm run bench`, `npm run bench -- --help`
import { writeFile } from 'node:fs/promises';
import { Resources } from '../test/interop/support/resources.ts';
import { WORKS, type WorkName } from './loads/work.ts';
import { measure, type Sample } from './measure.ts';
import { footprintOf, footprintOfTlsSockets, type Footprint } from './memory.ts';
import { parseOptions, type Options } from './options.ts';
import type { Path, Site } from './paths/path.ts';
import { startPath, type PathName } from './paths/paths.ts';
import { compareNegotiated } from './preflight.ts';
import { markdown, type Report } from './report.ts';
import { mintCertificates } from './support/certificates.ts';
import { describeMachine, isBusy } from './support/machine.ts';
import type { Program } from './support/program.ts';
import { startTgtd } from './support/tgtd.ts';

const DISK_MEBIBYTES = 256;
/** Before the first round: compilers and TCP's windows come to rest. */
const WARM_UP_SECONDS = 1;

const opened = new Resources();
try {
  const options = parseOptions(process.argv.slice(2));
  const report = await bench(options);
  console.log(markdown(report));
  if (options.out !== undefined) await writeFile(options.out, `${JSON.stringify(report, null, 1)}\n`);
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  await opened.release();
}

async function bench(options: Options): Promise<Report> {
  const { rounds, seconds, withMemory } = options;
  if (isBusy()) tell('this machine is busy: do not trust the figures');
  const machine = await describeMachine(opened);
  const { portal, disk, program } = await startTgtd(opened, DISK_MEBIBYTES);
  const { nodeFlags, workers, beside } = options;
  const certificates = await mintCertificates(opened);
  const site: Site = {
    opened,
    portal,
    disk,
    nodeFlags,
    workers,
    certificates,
    ...(beside !== undefined && { beside }),
  };
  const paths = new Map<PathName, Path>();
  for (const name of options.paths) paths.set(name, await startPath(name, site));
  const negotiated = await compareNegotiated(paths, site);
  const samples = await measureAll(options, paths, program);
  const memory = withMemory ? await memoryOf(options, site) : undefined;
  return { machine, rounds, seconds, workers, nodeFlags, negotiated, samples, ...(memory && { memory }) };
}

async function measureAll(
  { works, rounds, seconds }: Options,
  paths: ReadonlyMap<PathName, Path>,
  array: Program,
): Promise<Report['samples']> {
  const samples: Partial<Record<WorkName, Partial<Record<PathName, Sample[]>>>> = {};
  for (const work of works) {
    samples[work] = {};
    for (const name of paths.keys()) samples[work][name] = [];
  }
  for (const name of rounds > 1 ? works : []) {
    for (const path of paths.values()) await measure(WORKS[name], path, opened, array, WARM_UP_SECONDS);
  }
  for (let round = 0; round < rounds; round++) {
    for (const work of works) {
      tell(`round ${round + 1} of ${rounds}: ${work}`);
      // Each comes first in its turn.
      for (const [name, path] of rotated([...paths], round)) {
        samples[work]![name]!.push(await measure(WORKS[work], path, opened, array, seconds));
      }
    }
  }
  return samples;
}

async function memoryOf(options: Options, site: Site): Promise<NonNullable<Report['memory']>> {
  const { idleSessions: sessions } = options;
  tell(`memory of ${sessions} bare TLS sockets`);
  const tlsSocket = await footprintOfTlsSockets(site, sessions);
  const paths: Partial<Record<PathName, Footprint>> = {};
  for (const name of options.paths) {
    tell(`memory of ${sessions} idle sessions: ${name}`);
    const footprint = await footprintOf(name, site, sessions);
    if (footprint) paths[name] = footprint;
  }
  return { sessions, tlsSocket, paths };
}

function rotated<T>(all: readonly T[], by: number): T[] {
  const first = by % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}

/** Beside the table, which is all of stdout. */
function tell(what: string): void {
  console.error(`bench: ${what}`);
}
