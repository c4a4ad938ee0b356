import { availableParallelism } from 'node:os';
import { MAX_WORKERS } from '../config/fields.ts';

/** What a worker's process runs. */
export const WORKER_ENTRY = new URL('../worker.js', import.meta.url);

/** `auto`: one for each core that this process may use. */
export function workerCount(workers: number | 'auto'): number {
  return workers === 'auto' ? Math.min(availableParallelism(), MAX_WORKERS) : workers;
}
