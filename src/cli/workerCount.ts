import { availableParallelism } from 'node:os';

/** What a worker's process runs. */
export const WORKER_ENTRY = new URL('../worker.js', import.meta.url);

/** `auto`: one for each core that this process may use. */
export function workerCount(workers: number | 'auto'): number {
  return workers === 'auto' ? availableParallelism() : workers;
}
