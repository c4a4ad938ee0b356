import { Program } from '../support/program.ts';
import type { Disk } from '../support/tgtd.ts';
import type { LoadAt, LoadResult } from './load.ts';
import type { Transfer } from './work.ts';

const BLOCK = 512;
/** How often its CPU time is looked at: what it has used when it is gone, nobody can ask any more. */
const SAMPLE_MS = 100;

/** libiscsi's iscsi-perf: one session of reads. */
export async function iscsiPerf(work: Transfer, at: LoadAt): Promise<LoadResult> {
  const { portal, disk, opened, seconds } = at;
  const shape = ['-b', `${work.bytes / BLOCK}`, '-m', `${work.depth}`, ...(work.isRandom ? ['-r'] : [])];
  const args = ['-i', disk.iqn, '-t', `${seconds}`, ...shape, iscsiUrl(portal, disk)];
  const program = new Program(opened, 'iscsi-perf', args);
  let cpuMicroseconds = 0;
  const sampler = setInterval(() => {
    cpuMicroseconds = program.cpuMicroseconds() ?? cpuMicroseconds;
  }, SAMPLE_MS);
  try {
    await program.succeeds(seconds + 30);
  } finally {
    clearInterval(sampler);
  }
  const perSecond = await program.find(averageIn, 'average in what iscsi-perf says');
  return { operations: perSecond * seconds, perSecond, cpuMicroseconds };
}

export function iscsiUrl(portal: string, { user, secret, target, lun }: Disk): string {
  return `iscsi://${user}%${secret}@${portal}/${target}/${lun}`;
}

/** The last figure of the line, which has been written over itself with carriage returns. */
function averageIn(line: string): number | undefined {
  const figures = [...line.matchAll(/iops average (\d+) /g)];
  return figures.length > 0 && !line.includes('in_flight', line.lastIndexOf('iops average'))
    ? Number(figures.at(-1)![1])
    : undefined;
}
