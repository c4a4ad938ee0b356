import type { Logger } from '../telemetry/log.ts';
import type { GatewayCredentials } from '../tls/credentials.ts';

/** Logs what wants the operator's attention in credentials that are put in force. */
export function tellOfCredentials({ shutOut, warnings }: GatewayCredentials, log: Logger): void {
  for (const problem of shutOut) log.error(problem);
  for (const warning of warnings) log.warn(warning);
}
