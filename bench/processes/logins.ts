// A load of logins, by several hands at once, for so many seconds; then one line of JSON.
import { discoverOver } from '../../src/initiator/discoverOver.ts';
import { InitiatorSession } from '../../src/initiator/initiatorSession.ts';
import type { LoadResult } from '../loads/load.ts';
import { dial, initiatorOptions } from '../loads/logInRaw.ts';
import type { Logins } from '../loads/work.ts';
import type { Disk } from '../support/tgtd.ts';

export interface LoginsOptions {
  readonly portal: string;
  readonly disk: Disk;
  readonly seconds: number;
  readonly logins: Logins;
}

const { portal, disk, seconds, logins } = JSON.parse(process.argv[2]!) as LoginsOptions;
const options = initiatorOptions(disk);
const cpu = process.cpuUsage();
const start = performance.now();
let operations = 0;
await Promise.all(Array.from({ length: logins.concurrency }, work));
const elapsed = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(cpu);
const result: LoadResult = { operations, perSecond: operations / elapsed, cpuMicroseconds: user + system };
console.log(JSON.stringify(result));

async function work(): Promise<void> {
  while (performance.now() < start + seconds * 1000) {
    if (logins.withDiscovery) await discover();
    const session = await InitiatorSession.open(await dial(portal), disk.target, options);
    await session.logout();
    operations++;
  }
}

async function discover(): Promise<void> {
  const records = await discoverOver(await dial(portal), options);
  if (!records.some(({ name }) => name === disk.target))
    throw new Error('discovery does not show the target');
}
