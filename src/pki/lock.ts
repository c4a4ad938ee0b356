import { open, readFile, unlink } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { PkiError } from './pkiError.ts';

const ATTEMPTS = 200;
const BETWEEN = 50; // milliseconds

/**
 * Does the work while `<file>.lock` is there, which only one process can make; others wait for up to 10 s. A
 * lock that a killed process left behind is not broken, which could let in two: the error says what to do.
 */
export async function withLock<T>(file: string, work: () => Promise<T>, attempts = ATTEMPTS): Promise<T> {
  const lock = `${file}.lock`;
  await take(lock, attempts);
  try {
    return await work();
  } finally {
    await unlink(lock);
  }
}

async function take(lock: string, attempts: number): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const handle = await open(lock, 'wx', 0o644);
      await handle.writeFile(`${process.pid}\n`);
      return await handle.close();
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
      if (attempt >= attempts) throw await stillHeld(lock, cause);
      await wait(BETWEEN);
    }
  }
}

async function stillHeld(lock: string, cause: unknown): Promise<PkiError> {
  const holder = (await readFile(lock, 'utf8').catch(() => '')).trim();
  return new PkiError(
    `${lock} is held by ${/^\d+$/.test(holder) ? `process ${holder}` : 'another process'}: ` +
      'wait for it, or remove the file if that process is gone',
    { cause },
  );
}
