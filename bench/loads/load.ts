import type { Resources } from '../../test/interop/support/resources.ts';
import type { Disk } from '../support/tgtd.ts';
import { iscsiPerf } from './iscsiPerf.ts';
import { loginLoad, transferLoad } from './ownLoads.ts';
import type { Work } from './work.ts';

export interface LoadResult {
  /** Commands or logins that were done. */
  readonly operations: number;
  readonly perSecond: number;
  /** Of the load itself, for all of it. */
  readonly cpuMicroseconds: number;
}

export interface LoadAt {
  readonly opened: Resources;
  readonly portal: string;
  readonly disk: Disk;
  /** Whole ones: iscsi-perf takes no others. */
  readonly seconds: number;
}

/** Puts a load on a path. Reads are iscsi-perf's, which is nobody's here; it can't write. */
export async function putLoad(work: Work, at: LoadAt): Promise<LoadResult> {
  if (work.kind === 'logins') return loginLoad(work, at);
  if (work.operation === 'write') return transferLoad(work, at);
  const results = await Promise.all(Array.from({ length: work.sessions }, () => iscsiPerf(work, at)));
  return results.reduce((sum, one) => ({
    operations: sum.operations + one.operations,
    perSecond: sum.perSecond + one.perSecond,
    cpuMicroseconds: sum.cpuMicroseconds + one.cpuMicroseconds,
  }));
}
