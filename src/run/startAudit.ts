import { auditEvents } from '../audit/auditEvents.ts';
import type { AuditAlarm } from '../audit/alarm.ts';
import { openAudit, type AuditState, type AuditTrail } from '../audit/auditTrail.ts';
import { userName } from '../audit/userName.ts';
import type { AuditConfig } from '../config/gatewayConfig.ts';
import type { Observer } from '../telemetry/events.ts';
import type { Logger } from '../telemetry/log.ts';
import { version } from '../version.ts';

export interface RunningAudit {
  readonly config: AuditConfig;
  readonly observe: Observer;
  readonly state: () => AuditState;
  /** Goes on in a new file if logrotate has moved this one. */
  reopen(): void;
  /** The gateway stops: writes so, and closes the trail. */
  stop(problem?: unknown): Promise<void>;
  /** Closes the trail while the gateway goes on. */
  close(): Promise<void>;
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
  const running = audit && (await openTrail(audit, log));
  running?.write({ action: 'gateway-start', outcome: 'success', ...who() });
  return running;
}

/**
 * For a reload.
 *
 * @returns the trail that is open if it is the one that is configured still, else that one, opened
 * @throws AuditError if another process writes it
 */
export async function renewAudit(
  running: RunningAudit | undefined,
  audit: AuditConfig | undefined,
  log: Logger,
): Promise<RunningAudit | undefined> {
  if (audit?.file === running?.config.file) return running;
  return audit && openTrail(audit, log);
}

async function openTrail(audit: AuditConfig, log: Logger): Promise<RunningAudit & Pick<AuditTrail, 'write'>> {
  const trail = await openAudit({
    ...audit,
    onAlarm: ({ kind, message }) => log[LEVEL[kind]]({ alarm: kind, detail: message }, 'audit trail'),
  });
  // One that can't be written has had its alarm already.
  if (trail.state.healthy) log.info({ file: audit.file, ...trail.state.last }, 'audit trail open');
  let isClosed = false;
  const close = async (): Promise<void> => {
    isClosed = true;
    await trail.close();
    // The last hash in another place: with it, `sangate audit verify --expect` finds an end that was cut off.
    log.info({ file: audit.file, ...trail.state.last }, 'audit trail closed');
  };
  return {
    config: audit,
    write: (entry) => trail.write(entry),
    observe: auditEvents(trail),
    state: () => trail.state,
    reopen: () => void trail.rotateOrReopen(),
    close,
    stop: async (problem) => {
      if (isClosed) return;
      const message = problem instanceof Error ? problem.message : undefined;
      const outcome = problem === undefined ? 'success' : 'failure';
      trail.write({ action: 'gateway-stop', outcome, ...who(), ...(message !== undefined && { message }) });
      await close();
    },
  };
}

const who = () => ({ user: userName(), version });

const LEVEL = {
  failing: 'error',
  lost: 'error',
  damaged: 'error',
  moved: 'warn',
  recovered: 'info',
} as const satisfies Record<AuditAlarm['kind'], 'error' | 'warn' | 'info'>;
