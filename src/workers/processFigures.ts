import { z } from 'zod';

/** What a worker's process costs. */
export const processFigures = z.strictObject({
  /** Of all its threads, since it was started. */
  cpuSeconds: z.number().min(0),
  residentBytes: z.number().min(0),
  eventLoopDelayP99Seconds: z.number().min(0),
});

export type ProcessFigures = z.output<typeof processFigures>;

/** This process. @param eventLoopDelayP99Seconds of somebody who measures it */
export function ownProcessFigures(eventLoopDelayP99Seconds: number): ProcessFigures {
  const { user, system } = process.cpuUsage();
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: residentBytes(),
    eventLoopDelayP99Seconds,
  };
}

/** Now, or the most that there ever were: the kernel tells of now in a file, which takes a descriptor, and none may be left. */
function residentBytes(): number {
  try {
    return process.memoryUsage.rss();
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}
