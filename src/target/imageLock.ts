import { resolve } from 'node:path';
import { LockHeldError, lockForProcess } from '../processLock.ts';

/**
 * Claims a disk image for this process, by a file beside it. It keeps two targets of one machine from ruining each other's disk;
 * other programs, and other machines, do not look at it.
 *
 * @returns gives the image back
 * @throws Error that names the process which has it
 */
export async function lockImage(image: string): Promise<() => Promise<void>> {
  const lock = `${resolve(image)}.lock`;
  try {
    return await lockForProcess(lock);
  } catch (error) {
    if (error instanceof LockHeldError) {
      throw new Error(
        `${image} is served by process ${error.holder} already; two would ruin it. Stop that one, or remove ${lock} if it is no target`,
        { cause: error },
      );
    }
    throw new Error(
      `cannot write ${lock} (${(error as NodeJS.ErrnoException).code}): serve the image with --read-only, or let its folder be written`,
      { cause: error },
    );
  }
}
