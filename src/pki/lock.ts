import { LockHeldError, lockForProcess } from '../processLock.ts';
import { PkiError } from './pkiError.ts';

const PATIENCE_MS = 10_000;

/** Does the work while `<file>.lock` is ours, which only one process can have; others wait for up to 10 s. */
export async function withLock<T>(
  file: string,
  work: () => Promise<T>,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const unlock = await take(`${file}.lock`, patienceMs);
  try {
    return await work();
  } finally {
    await unlock();
  }
}

async function take(lock: string, patienceMs: number): Promise<() => Promise<void>> {
  try {
    return await lockForProcess(lock, patienceMs);
  } catch (error) {
    if (!(error instanceof LockHeldError)) throw error;
    throw new PkiError(
      `${lock} is held by process ${error.holder}: wait for it, or remove the file if that is no sangate`,
      { cause: error },
    );
  }
}
