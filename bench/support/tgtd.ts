import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import type { Resources } from '../../test/interop/support/resources.ts';
import { onFreePort } from './freePort.ts';
import { Program, run } from './program.ts';

const MEBIBYTE = 1024 * 1024;
const LUN = 1;

/** A disk behind CHAP, and how an initiator finds it. */
export interface Disk {
  readonly target: string;
  readonly lun: number;
  readonly bytes: number;
  /** The initiator's. */
  readonly iqn: string;
  readonly user: string;
  readonly secret: string;
}

export interface Array {
  readonly portal: string;
  readonly disk: Disk;
  readonly program: Program;
}

/** A private tgtd with one disk in memory, filled: an empty page costs less to read. */
export async function startTgtd(opened: Resources, mebibytes: number): Promise<Array> {
  const disk = {
    target: 'iqn.2026-01.test.sangate:memory',
    lun: LUN,
    bytes: mebibytes * MEBIBYTE,
    iqn: 'iqn.2026-01.test.sangate:bench1',
    user: 'bench1',
    secret: randomBytes(8).toString('hex'), // 12 to 16 characters suit every initiator
  };
  // A control socket of its own keeps it apart from other instances.
  const env = { TGT_IPC_SOCKET: path.join(await opened.directory(), 'control') };
  const { program, portal } = await onFreePort(async (port) => {
    const portal = `127.0.0.1:${port}`;
    const program = new Program(opened, 'tgtd', ['-f', '--iscsi', `portal=${portal}`], { env });
    // The last line of its start; a port that is taken it reports before, and runs on without a portal.
    await program.find((line) => line.includes('bs_init') || undefined, 'start of tgtd');
    const portals = await adm('show', 'portal');
    if (portals.some((line) => line.includes(`${portal},`))) return { program, portal };
    await program.stop();
    throw new Error(`tgtd has no portal at ${portal}`);
  });
  const tid = ['--tid', '1'];
  await adm('new', 'target', ...tid, '--targetname', disk.target);
  const image = await imageInMemory(mebibytes);
  await adm('new', 'logicalunit', ...tid, '--lun', String(LUN), '--backing-store', image);
  // It is open now; without a name its memory is free when tgtd is gone, whatever happens to us.
  await rm(image);
  await adm('new', 'account', '--user', disk.user, '--password', disk.secret);
  // without a target, the account counts for discovery
  for (const scope of [tid, []]) await adm('bind', 'account', ...scope, '--user', disk.user);
  await adm('bind', 'target', ...tid, '--initiator-address', 'ALL');
  return { portal, disk, program };

  function adm(op: string, mode: string, ...args: string[]): Promise<string[]> {
    return run(opened, 'tgtadm', ['--lld', 'iscsi', '--op', op, '--mode', mode, ...args], { env });
  }
}

async function imageInMemory(mebibytes: number): Promise<string> {
  const image = `/dev/shm/sangate-bench-${process.pid}.img`;
  const file = createWriteStream(image, { flags: 'wx', mode: 0o600 });
  const block = randomBytes(MEBIBYTE);
  for (let i = 0; i < mebibytes; i++) if (!file.write(block)) await once(file, 'drain');
  file.end();
  await once(file, 'finish');
  return image;
}
