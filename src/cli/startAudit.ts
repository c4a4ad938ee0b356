import { auditEvents } from '../audit/auditEvents.ts';
import { openAudit, type AuditAlarm, type AuditState } from '../audit/auditTrail.ts';
import type { AuditConfig } from '../config/gatewayConfig.ts';
import type { Observer } from '../telemetry/events.ts';
import type { Logger } from '../telemetry/log.ts';
import { userName } from './userName.ts';
import { version } from './version.ts';

export interface RunningAudit {
  readonly observe: Observer;
  readonly state: () => AuditState;
  /** Goes on in a new file if logrotate has moved this one. */
  reopen(): void;
  /** Writes the last line and closes the trail. */
  stop(problem?: unknown): Promise<void>;
}

/**
 * Opens the gateway's audit trail where one is configured; the log has its alarms, and where its chain begins and ends.
 *
 * @throws AuditError if another process writes it
 */
export async function startAudit(
  audit: AuditConfig | undefined,
  log: Logger,
): Promise<RunningAudit | undefined> {
  if (audit === undefined) return undefined;
  const trail = await openAudit({
    ...audit,
    onAlarm: ({ kind, message }) => log[LEVEL[kind]]({ alarm: kind, detail: message }, 'audit trail'),
  });
  const who = { user: userName(), version };
  trail.write({ action: 'gateway-start', outcome: 'success', ...who });
  // One that can't be written has had its alarm already.
  if (trail.state.healthy) log.info({ file: audit.file, ...trail.state.last }, 'audit trail open');
  let isStopped = false;
  return {
    observe: auditEvents(trail),
    state: () => trail.state,
    reopen: () => void trail.rotateOrReopen(),
    stop: async (problem) => {
      if (isStopped) return;
      isStopped = true;
      const message = problem instanceof Error ? problem.message : undefined;
      const outcome = problem === undefined ? 'success' : 'failure';
      trail.write({ action: 'gateway-stop', outcome, ...who, ...(message !== undefined && { message }) });
      await trail.close();
      // The last hash in another place: with it, `sangate audit verify --expect` finds an end that was cut off.
      log.info({ file: audit.file, ...trail.state.last }, 'audit trail closed');
    },
  };
}

const LEVEL = {
  failing: 'error',
  lost: 'error',
  damaged: 'error',
  moved: 'warn',
  recovered: 'info',
} as const satisfies Record<AuditAlarm['kind'], 'error' | 'warn' | 'info'>;
