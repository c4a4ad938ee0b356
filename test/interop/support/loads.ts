import { runOk } from './process.ts';
import { qemuImage, type Disk } from './qemu.ts';
import { DATA_PATHS, type DataPath, type ScsiCommand, type WritingInitiator } from './writingInitiator.ts';

const BLOCK = 512;

/** What a load tool says that it has read and written. */
export interface Load {
  readonly read: Done;
  readonly write: Done;
}

interface Done {
  readonly commands: number;
  readonly bytes: number;
}

const NOTHING: Done = { commands: 0, bytes: 0 };

/**
 * Sequential reads of 4 KiB for some seconds. iscsi-perf tells the mean a second, and runs for a little longer than it was told, so how
 * long that was is found out: when it first tells something by the blocks that it has read until then, and the rest by the clock.
 *
 * @param disk too large to be read to its end in the first second
 */
export async function iscsiPerf({ portal, target, iqn, lun = 1 }: Disk, seconds: number): Promise<Load> {
  const blocks = 8;
  const times: number[] = [];
  const how = ['-m', '8', '-b', String(blocks), '-t', String(seconds)];
  const said = await runOk('iscsi-perf', ['-i', iqn, ...how, `iscsi://${portal}/${target}/${lun}`], {
    heard: (text) => {
      if (text.includes('iops average')) times.push(performance.now());
    },
  });
  const [first, ...later] = [
    ...said.matchAll(/(?:lba (\d+), .*?)?iops average (\d+).*?(?:in_flight (\d+)|$)/gm),
  ].map(([, lba, mean, inFlight]) => ({ done: Number(lba) / blocks - Number(inFlight), mean: Number(mean) }));
  const ran = first!.done / first!.mean + (times.at(-1)! - times[0]!) / 1000;
  const commands = Math.round(later.at(-1)!.mean * ran);
  return { read: { commands, bytes: commands * blocks * BLOCK }, write: NOTHING };
}

/** Writes of 16 KiB by qemu-img, and two more by qemu-io. */
export async function qemuWrites(disk: Disk, commands: number): Promise<Load> {
  const size = 16 * 1024;
  const image = ['--image-opts', qemuImage(disk)];
  const amount = ['-c', String(commands), '-s', String(size)];
  const bench = await runOk('qemu-img', ['bench', '-w', '-d', '8', ...amount, ...image]);
  if (!bench.includes(`Sending ${commands} write requests, ${size} bytes each`)) throw new Error(bench);
  const said = await runOk('qemu-io', [...image, '-c', 'write -P 0x5a 0 1M', '-c', 'write -P 0xa5 3M 4k']);
  const wrote = [...said.matchAll(/^wrote (\d+)\/\d+ bytes/gm)].map(([, bytes]) => Number(bytes));
  const bytes = commands * size + wrote.reduce((sum, each) => sum + each, 0);
  return { read: NOTHING, write: { commands: commands + wrote.length, bytes } };
}

/** So many reads of 64 KiB, and as many writes by every path, among them those that need an R2T. */
export async function everyPath(initiator: WritingInitiator, rounds: number): Promise<Load> {
  const blocks = 128;
  const commands = Array.from({ length: rounds }, (_, round) => [
    ...DATA_PATHS.map((path) => writing(round * blocks, blocks, path)),
    reading(round * blocks, blocks),
  ]).flat();
  for (const { status } of await initiator.executeAll(commands, 8)) {
    if (status !== 0) throw new Error(`status ${status}`);
  }
  const done = (count: number): Done => ({ commands: count, bytes: count * blocks * BLOCK });
  return { read: done(rounds), write: done(rounds * DATA_PATHS.length) };
}

/** READ (10) of so many blocks. */
export function reading(lba: number, blocks: number): ScsiCommand {
  return { cdb: cdb10(0x28, lba, blocks), readLength: blocks * BLOCK };
}

/** WRITE (10) of so many blocks. */
export function writing(lba: number, blocks: number, path: DataPath): ScsiCommand {
  return { cdb: cdb10(0x2a, lba, blocks), dataOut: Buffer.alloc(blocks * BLOCK, 0xc3), path };
}

function cdb10(operationCode: number, lba: number, blocks: number): Buffer {
  const cdb = Buffer.alloc(10);
  cdb[0] = operationCode;
  cdb.writeUInt32BE(lba, 2);
  cdb.writeUInt16BE(blocks, 7);
  return cdb;
}
