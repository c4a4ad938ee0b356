import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '../../telemetry/log.ts';

/** Says so when a part of the configuration differs that holds from start to stop. */
export function warnOfRestart(started: unknown, now: unknown, path: string, log: Logger): void {
  if (isDeepStrictEqual(started, now)) return;
  log.warn({ path }, 'this has changed in the configuration, and holds after a restart only');
}
