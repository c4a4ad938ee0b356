import { open, readFile, rename, rm } from 'node:fs/promises';
import type { Link } from './chain.ts';
import { READ } from './siblings.ts';

/** Where the head of a trail is kept: how far it reached, which its last lines alone can't tell once they are cut off. */
function headFile(trail: string): string {
  return `${trail}.head`;
}

/** @returns undefined if there is none, or if it can't be understood */
export async function readHead(trail: string): Promise<Link | undefined> {
  const options = { encoding: 'utf8', flag: READ } as const;
  const text = await readFile(headFile(trail), options).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const found = /^\{"seq":([1-9]\d{0,14}),"hash":"([0-9a-f]{64})"\}\n$/.exec(text);
  return found === null ? undefined : { seq: Number(found[1]), hash: found[2]! };
}

/** A reader sees the old head or the new one, whole, also after a power cut. To be called when the lines are on the disk. */
export async function writeHead(trail: string, { seq, hash }: Link): Promise<void> {
  const temporary = `${headFile(trail)}.tmp`; // one writer: the trail's lock sees to it
  await rm(temporary, { force: true }); // left by a crash, or a link that somebody laid there: `wx` follows none
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify({ seq, hash })}\n`);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(temporary, headFile(trail));
}
