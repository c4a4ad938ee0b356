// A load of our own: sessions that keep their depth of commands under way for so many seconds, then one line of JSON.
import type { LoadResult } from '../loads/load.ts';
import { RawSession } from '../loads/rawSession.ts';
import type { Transfer } from '../loads/work.ts';
import type { Disk } from '../support/tgtd.ts';

export interface InitiatorOptions {
  readonly portal: string;
  readonly disk: Disk;
  readonly seconds: number;
  readonly transfer: Transfer;
}

const { portal, disk, seconds, transfer } = JSON.parse(process.argv[2]!) as InitiatorOptions;
const sessions = await Promise.all(
  Array.from({ length: transfer.sessions }, () => RawSession.open(portal, disk, transfer)),
);
const cpu = process.cpuUsage();
const start = performance.now();
const counts = await Promise.all(sessions.map((session) => session.run(start + seconds * 1000)));
const elapsed = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(cpu);
const operations = counts.reduce((sum, count) => sum + count, 0);
const result: LoadResult = { operations, perSecond: operations / elapsed, cpuMicroseconds: user + system };
console.log(JSON.stringify(result));
for (const session of sessions) session.close();
