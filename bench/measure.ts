import type { Resources } from '../test/interop/support/resources.ts';
import { putLoad } from './loads/load.ts';
import type { Work } from './loads/work.ts';
import type { Path } from './paths/path.ts';
import type { Program } from './support/program.ts';

/** Whose CPU time is told, in the order of the table. */
export const ACTORS = ['client', 'server', 'array', 'load'] as const;

export type Actor = (typeof ACTORS)[number];

/** One load on one path, once. */
export interface Sample {
  readonly perSecond: number;
  /** CPU microseconds for one operation. */
  readonly cpu: Readonly<Partial<Record<Actor, number>>>;
}

/** @throws unless something was carried */
export async function measure(
  work: Work,
  path: Path,
  opened: Resources,
  array: Program,
  seconds: number,
): Promise<Sample> {
  const programs: Partial<Record<Actor, Program>> = {
    ...(path.tunnel && { client: path.tunnel.client, server: path.tunnel.server }),
    array,
  };
  const before = cpuOf(programs);
  const { portal, disk } = path;
  const { operations, perSecond, cpuMicroseconds } = await putLoad(work, { opened, portal, disk, seconds });
  if (!(operations > 0)) throw new Error(`no operation was done through ${portal}`);
  const after = cpuOf(programs);
  const used = Object.entries(after).map(([actor, cpu]) => [actor, cpu - before[actor as Actor]!] as const);
  const cpu = Object.fromEntries(
    [...used, ['load', cpuMicroseconds] as const].map(([actor, all]) => [actor, all / operations]),
  );
  return { perSecond, cpu };
}

function cpuOf(programs: Partial<Record<Actor, Program>>): Partial<Record<Actor, number>> {
  const used = Object.entries(programs).map(([actor, program]) => {
    const microseconds = program.cpuMicroseconds();
    if (microseconds === undefined)
      throw new Error([`${program.name} has ended`, ...program.lines.slice(-15)].join('\n'));
    return [actor, microseconds] as const;
  });
  return Object.fromEntries(used);
}
