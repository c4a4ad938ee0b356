import { describeWire } from '../failures.ts';
import type { TargetEvent } from '../target/targetServer.ts';
import type { Logger } from '../telemetry/log.ts';

/** One line for each login, and for the end of each session. */
export function logTargetEvent(log: Logger, { kind, address, identity, failure }: TargetEvent): void {
  const fields = {
    address,
    ...(identity && { initiator: identity.initiatorName, sessionType: identity.sessionType }),
    ...(failure && {
      reason: failure.reason,
      detail: failure.message,
      told: describeWire(failure.wire),
    }),
  };
  const verdict = failure === undefined ? 'allowed' : 'denied';
  log[failure === undefined ? 'info' : 'warn'](
    fields,
    kind === 'login' ? `login ${verdict}` : 'session ended',
  );
}
