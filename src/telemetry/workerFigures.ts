import { z } from 'zod';
import { residentBytes } from './residentBytes.ts';

/** One worker process, as it is now: what its own report, the metrics and `/status.json` have of it. */
export const workerFigures = z.object({
  /** From 1; one that comes in another's place has its number. */
  number: z.int().positive(),
  pid: z.int(),
  /** That it was given and that have not ended. */
  connections: z.int().min(0),
  /** Of all its threads, and of the workers before in its place; in its own report, of itself alone. */
  cpuSeconds: z.number().min(0),
  residentBytes: z.number().min(0),
  /** As that of the status. */
  eventLoopDelayP99Seconds: z.number().min(0),
});

export type WorkerFigures = Readonly<z.output<typeof workerFigures>>;

/** What a worker says of its own process. */
export const processFigures = workerFigures
  .pick({ cpuSeconds: true, residentBytes: true, eventLoopDelayP99Seconds: true })
  .strict();

/** This process. @param eventLoopDelayP99Seconds of somebody who measures it */
export function ownProcessFigures(eventLoopDelayP99Seconds: number): z.output<typeof processFigures> {
  const { user, system } = process.cpuUsage();
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: residentBytes(),
    eventLoopDelayP99Seconds,
  };
}
