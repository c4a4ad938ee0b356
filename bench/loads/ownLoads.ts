import { Program } from '../support/program.ts';
import type { InitiatorOptions } from '../processes/initiator.ts';
import type { LoginsOptions } from '../processes/logins.ts';
import type { LoadAt, LoadResult } from './load.ts';
import type { Logins, Transfer } from './work.ts';

/** Commands from our own initiator, in a process apart. */
export async function transferLoad(
  work: Transfer,
  { opened, portal, disk, seconds }: LoadAt,
): Promise<LoadResult> {
  const options: InitiatorOptions = { portal, disk, seconds, transfer: work };
  return resultOf(Program.script(opened, 'initiator', options), seconds);
}

export async function loginLoad(
  work: Logins,
  { opened, portal, disk, seconds }: LoadAt,
): Promise<LoadResult> {
  const options: LoginsOptions = { portal, disk, seconds, logins: work };
  return resultOf(Program.script(opened, 'logins', options), seconds);
}

/** Each writes one line when it is done. */
async function resultOf(program: Program, seconds: number): Promise<LoadResult> {
  await program.succeeds(seconds + 60);
  const json = await program.find((line) => (line.startsWith('{') ? line : undefined), 'result');
  return JSON.parse(json) as LoadResult;
}
