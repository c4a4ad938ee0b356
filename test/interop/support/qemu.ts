import { createHash, randomFillSync } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { runOk } from './process.ts';
import type { Resources } from './resources.ts';

export const MEBIBYTE = 1024 * 1024;

export interface Disk {
  readonly portal: string;
  readonly target: string;
  readonly iqn: string;
  /** LUN 1 unless told. */
  readonly lun?: number;
  readonly headerDigest?: 'none' | 'crc32c';
}

/** How qemu is told to open a logical unit of a target (block/iscsi.c), as --image-opts. */
export function qemuImage({ portal, target, iqn, lun = 1, headerDigest = 'none' }: Disk): string {
  const options = { driver: 'iscsi', transport: 'tcp', portal, target, lun: `${lun}` };
  const file = { ...options, 'initiator-name': iqn, 'header-digest': headerDigest };
  return ['driver=raw', ...Object.entries(file).map(([key, value]) => `file.${key}=${value}`)].join(',');
}

/**
 * Writes a random image of so many MiB to the disk with qemu-img, reads it back with another qemu-img, and gives the
 * SHA-256 of both: they must be equal.
 */
export async function roundTrip(
  opened: Resources,
  disk: Disk,
  mebibytes: number,
): Promise<{ sent: string; back: string }> {
  const directory = await opened.directory();
  const source = path.join(directory, 'source.img');
  const copy = path.join(directory, 'copy.img');
  await writeRandom(source, mebibytes);
  const image = qemuImage(disk);
  await runOk('qemu-img', ['convert', '-n', '-f', 'raw', '--target-image-opts', source, image], {
    seconds: 120,
  });
  await runOk('qemu-img', ['convert', '-O', 'raw', '--image-opts', image, copy], { seconds: 120 });
  return { sent: await sha256(source), back: await sha256(copy) };
}

/** Makes a new file of so many random MiB. */
export async function writeRandom(file: string, mebibytes: number): Promise<void> {
  const handle = await open(file, 'wx');
  const block = Buffer.alloc(MEBIBYTE);
  for (let i = 0; i < mebibytes; i++) await handle.write(randomFillSync(block));
  await handle.close();
}

/** Of a file, in hexadecimal. */
export async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: MEBIBYTE })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
