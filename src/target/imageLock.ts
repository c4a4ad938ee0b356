import { open, readFile, rm } from 'node:fs/promises';
import { resolve } from 'node:path';

/** Images that this process serves: its own number in a lock file may be left from one that had the same. */
const held = new Set<string>();

/**
 * Claims a disk image for this process, by a file beside it that holds the process's number: Node has no file locks. It keeps
 * two targets of one machine from ruining each other's disk; other programs, and other machines, do not look at it.
 *
 * @returns gives the image back
 * @throws Error that names the process which has it
 */
export async function lockImage(image: string): Promise<() => Promise<void>> {
  const lock = `${resolve(image)}.lock`;
  if (held.has(lock)) throw inUse(image, process.pid, lock);
  held.add(lock);
  try {
    await claim(image, lock);
  } catch (error) {
    held.delete(lock);
    throw error;
  }
  return async () => {
    await rm(lock, { force: true });
    held.delete(lock);
  };
}

async function claim(image: string, lock: string): Promise<void> {
  if (await create(lock)) return;
  const owner = Number(await readFile(lock, 'utf8').catch(() => ''));
  if (owner !== process.pid && isAlive(owner)) throw inUse(image, owner, lock);
  await rm(lock, { force: true }); // of a process that was killed
  if (!(await create(lock))) throw inUse(image, owner, lock);
}

/** @returns false if the lock is there already */
async function create(lock: string): Promise<boolean> {
  try {
    const file = await open(lock, 'wx', 0o600);
    await file.writeFile(`${process.pid}\n`);
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new Error(
      `cannot write ${lock} (${(error as NodeJS.ErrnoException).code}): serve the image with --read-only, or let its folder be written`,
      {
        cause: error,
      },
    );
  }
}

function isAlive(owner: number): boolean {
  if (!Number.isInteger(owner) || owner <= 0) return false;
  try {
    process.kill(owner, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function inUse(image: string, owner: number, lock: string): Error {
  return new Error(
    `${image} is served by process ${owner} already; two would ruin it. Stop that one, or remove ${lock} if it is no target`,
  );
}
