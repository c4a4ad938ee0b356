import { createHash, randomFillSync } from 'node:crypto';
import { discoverOver } from '../../initiator/discoverOver.ts';
import { InitiatorSession } from '../../initiator/initiatorSession.ts';
import type { InitiatorOptions } from '../../initiator/newLogin.ts';
import { formatPortal, type Portal } from '../../iscsi/targetAddress.ts';
import type { ChapRequirement } from '../../policy/chapRequirement.ts';
import { Secret } from '../../policy/secret.ts';
import { OperationCode } from '../../scsi/operationCode.ts';
import { connectTcp } from '../../transport/dial.ts';
import { terminal } from '../terminal/terminal.ts';
import { HIDDEN_NAME, INITIATOR_NAME, TARGET_NAME, type DemoStage } from './demoStage.ts';

const BLOCK = 512;
const CHUNK = 256 * 1024;
const TOTAL = 64 * 1024 * 1024;
const DEPTH = 8;
const MIB = 1024 * 1024;

/**
 * Shows, step by step, that what must work works and that what must not does not.
 *
 * @returns true if all of it held
 */
export async function prove(stage: DemoStage): Promise<boolean> {
  let holds = true;
  const step = async (what: string, work: () => Promise<string>): Promise<void> => {
    try {
      terminal.passed(`${what}: ${await work()}`);
    } catch (error) {
      holds = false;
      terminal.failed(`${what}: ${(error as Error).message}`);
    } finally {
      stage.takeRefusals();
    }
  };
  terminal.heading('What is allowed');
  await step('discovery through stub and gateway', () => showDiscovery(stage));
  await step('mutual CHAP login, 64 MiB written, read back and compared', () => moveData(stage));
  terminal.heading('What is refused');
  const { stub, strangersStub, chap } = stage;
  const refused = (what: string, attempt: Attempt): Promise<void> =>
    step(what, () => expectRefusal(stage, attempt));
  const right = { at: portal(stub), initiatorName: INITIATOR_NAME, targetName: TARGET_NAME, chap };
  await refused("a stranger's certificate", { ...right, at: portal(strangersStub) });
  await refused("another initiator's name", { ...right, initiatorName: `${INITIATOR_NAME}-2` });
  await refused('a wrong CHAP secret', {
    ...right,
    chap: { ...chap, secret: new Secret(Buffer.from('not the secret')) },
  });
  await refused('a target that is not ours to see', { ...right, targetName: HIDDEN_NAME });
  return holds;
}

async function showDiscovery({ stub, chap }: DemoStage): Promise<string> {
  const records = await discoverOver(await connect(portal(stub)), { initiatorName: INITIATOR_NAME, chap });
  const shown = records.map(({ name, addresses }) => `${name} at ${addresses.map(formatPortal).join(', ')}`);
  const isRight =
    records.length === 1 && records[0]!.name === TARGET_NAME && records[0]!.addresses[0]!.port === stub.port;
  if (!isRight)
    throw new Error(
      `expected ${TARGET_NAME} alone, at the stub's address; got ${shown.join('; ') || 'nothing'}`,
    );
  return shown[0]!;
}

async function moveData({ stub, chap }: DemoStage): Promise<string> {
  const session = await InitiatorSession.open(await connect(portal(stub)), TARGET_NAME, {
    initiatorName: INITIATOR_NAME,
    chap,
  });
  const data = randomFillSync(Buffer.alloc(TOTAL));
  const written = await timed('writing', async (at) => {
    const dataOut = data.subarray(at, at + CHUNK);
    const { status } = await session.execute({ lun: 0, cdb: cdb10(OperationCode.write10, at), dataOut });
    if (status !== 0) throw new Error(`WRITE(10) at byte ${at} ended with SCSI status ${status}`);
  });
  const back = Buffer.alloc(TOTAL);
  const read = await timed('reading', async (at) => {
    const command = { lun: 0, cdb: cdb10(OperationCode.read10, at), readLength: CHUNK };
    const result = await session.execute(command);
    if (result.status !== 0)
      throw new Error(`READ(10) at byte ${at} ended with SCSI status ${result.status}`);
    result.data.copy(back, at);
  });
  await session.logout();
  if (sha256(back) !== sha256(data)) throw new Error('what was read is not what was written');
  return `equal (write ${written} MB/s, read ${read} MB/s; initiator, stub, gateway and disk share one process)`;
}

/** Runs a transfer over all chunks at a queue depth, and gives its rate in MB/s. */
async function timed(verb: string, transfer: (at: number) => Promise<void>): Promise<number> {
  const start = process.hrtime.bigint();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < TOTAL) {
      const at = next;
      next += CHUNK;
      await transfer(at);
      terminal.progress(`${verb}: ${Math.min(next, TOTAL) / MIB} of ${TOTAL / MIB} MiB`);
    }
  };
  await Promise.all(Array.from({ length: DEPTH }, worker));
  terminal.progressDone();
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  return Math.round(TOTAL / 1e6 / seconds);
}

interface Attempt {
  readonly at: Portal;
  readonly initiatorName: string;
  readonly targetName: string;
  readonly chap: ChapRequirement;
}

/** Tries to log in, and tells what the initiator heard and what the gateway's log says. */
async function expectRefusal(
  stage: DemoStage,
  { at, initiatorName, targetName, chap }: Attempt,
): Promise<string> {
  const heard = await tryToLogIn(at, targetName, { initiatorName, chap });
  if (heard === undefined) throw new Error('the login was allowed');
  const [reason] = stage.takeRefusals();
  if (reason === undefined) throw new Error('the gateway said nothing of a refusal');
  return `refused. ${reason}\n    the initiator only hears: ${heard}`;
}

/** @returns what the initiator heard, undefined if it was let in */
async function tryToLogIn(
  at: Portal,
  targetName: string,
  options: InitiatorOptions,
): Promise<string | undefined> {
  try {
    const session = await InitiatorSession.open(await connect(at), targetName, options);
    await session.logout();
    return undefined;
  } catch (error) {
    const answer = /the target answers (\w+ \w+)/.exec((error as Error).message)?.[1];
    return answer === undefined ? 'the connection is closed' : `login status ${answer}`;
  }
}

function connect(at: Portal) {
  return connectTcp(at, AbortSignal.timeout(5000));
}

function portal({ address, port }: { address: string; port: number }): Portal {
  return { host: address, port };
}

/** READ(10) or WRITE(10) of one chunk at a byte offset. */
function cdb10(operationCode: number, at: number): Buffer {
  const cdb = Buffer.alloc(10);
  cdb[0] = operationCode;
  cdb.writeUInt32BE(at / BLOCK, 2);
  cdb.writeUInt16BE(CHUNK / BLOCK, 7);
  return cdb;
}

function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
