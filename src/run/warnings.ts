import { isDeepStrictEqual } from 'node:util';
import { formatLocation, type Problem } from '../config/problem.ts';
import type { Logger } from '../telemetry/log.ts';
import type { GatewayCredentials, StubCredentials } from '../tls/credentials.ts';

/** Logs what is doubtful in a configuration that is put in force, at the start as at a reload; `sangate check` prints the same. */
export function warnOfConfig(warnings: readonly Problem[], log: Logger): void {
  for (const { file, path, message, hint, ...position } of warnings) {
    log.warn({ at: formatLocation(file, position), path, hint }, message);
  }
}

/** Logs what wants the operator's attention in credentials that are put in force. */
export function warnOfCredentials(credentials: GatewayCredentials | StubCredentials, log: Logger): void {
  if ('shutOut' in credentials) for (const problem of credentials.shutOut) log.error(problem);
  for (const warning of credentials.warnings) log.warn(warning);
}

/** Says so when a part of the configuration differs that holds from start to stop. */
export function warnOfRestart(started: unknown, now: unknown, path: string, log: Logger): void {
  if (isDeepStrictEqual(started, now)) return;
  log.warn({ path }, 'this has changed in the configuration, and holds after a restart only');
}
