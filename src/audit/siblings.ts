import { constants } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** How what stands beside a trail is opened: without waiting for anybody, as a pipe in its place would make us. */
export const READ = constants.O_RDONLY | constants.O_NONBLOCK;

/** A rotated file has the number of its last line in its name: names sort by age, and none is ever used twice. */
export function rotatedName(trail: string, lastSeq: number): string {
  return `${trail}.${String(lastSeq).padStart(DIGITS, '0')}`;
}

const DIGITS = 12;

/** The rotated files of a trail, ours and those that logrotate numbers; in no order that means anything. */
export async function rotatedFiles(trail: string): Promise<string[]> {
  return matching(trail, /^\d+$/);
}

/**
 * Removes all but the newest files that we rotated ourselves; what logrotate moved is its own.
 *
 * @returns the names of those that are gone, without their folder
 */
export async function prune(trail: string, keep: number): Promise<string[]> {
  const ours = (await matching(trail, /^\d{12}$/)).sort();
  const gone = ours.slice(0, Math.max(0, ours.length - keep));
  await Promise.all(gone.map((file) => rm(file, { force: true })));
  return gone.map((file) => basename(file));
}

async function matching(trail: string, suffix: RegExp): Promise<string[]> {
  const prefix = `${basename(trail)}.`;
  const names = await readdir(dirname(trail));
  return names
    .filter((name) => name.startsWith(prefix) && suffix.test(name.slice(prefix.length)))
    .map((name) => join(dirname(trail), name));
}
