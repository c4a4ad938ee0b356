import { LockHeldError, lockForProcess } from '../processLock.ts';
import { AuditError } from './auditError.ts';

/**
 * Claims a trail for this process, by a file beside it: two writers would fork the chain.
 *
 * @param patienceMs how long to wait for another that has it
 * @returns gives the trail back
 * @throws AuditError that names the process which has it
 */
export async function lockTrail(trail: string, patienceMs: number): Promise<() => Promise<void>> {
  const lock = `${trail}.lock`;
  try {
    return await lockForProcess(lock, patienceMs);
  } catch (error) {
    if (!(error instanceof LockHeldError)) throw error;
    throw new AuditError(
      `${trail} is written by process ${error.holder} already, and a second one would fork its chain: ` +
        `name another file, stop that process, or remove ${lock} if it is no sangate`,
    );
  }
}
