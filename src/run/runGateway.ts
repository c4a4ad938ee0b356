import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { GatewayConfig, GatewayConfigResult } from '../config/gatewayConfig.ts';
import { explain } from '../explain/explanation.ts';
import { readQuestion } from '../explain/readQuestion.ts';
import { DataPlane } from '../gateway/dataPlane.ts';
import { Gateway } from '../gateway/gateway.ts';
import { Guards } from '../gateway/guards.ts';
import { listenerKey, type Settings } from '../gateway/inForce.ts';
import type { PlaneFigures } from '../gateway/plane.ts';
import { WorkerPlane } from '../gateway/workers/workerPlane.ts';
import { Challenges } from '../login/challenges.ts';
import type { Observer, RevocationListInForce } from '../telemetry/events.ts';
import { logEvents, type Logger } from '../telemetry/log.ts';
import { auditMetrics } from '../telemetry/auditMetrics.ts';
import { gatewayMetrics } from '../telemetry/metrics.ts';
import type { SiteFigures } from '../telemetry/siteMetrics.ts';
import { loadGatewayCredentials, type GatewayCredentials } from '../tls/credentials.ts';
import { checkSuccession } from '../tls/succession.ts';
import { describeListenError } from '../transport/listenError.ts';
import { forkWorker } from '../workers/forkWorker.ts';
import type { Launch } from '../workers/supervisor.ts';
import { version } from '../version.ts';
import { readSteadily } from './reload/steadyReading.ts';
import { startAdmin, type RunningAdmin } from './startAdmin.ts';
import { renewAudit, startAudit } from './startAudit.ts';
import { startStatus } from './startStatus.ts';
import { warnOfConfig, warnOfCredentials, warnOfRestart } from './warnings.ts';
import { WORKER_ENTRY, workerCount } from './workerCount.ts';

export interface RunningGateway {
  /** Where each listener of the configuration listened at the start. */
  readonly addresses: readonly AddressInfo[];
  readonly admin?: AddressInfo;
  /**
   * Puts new settings in force, or leaves everything as it is: log and metrics tell. Never rejects; to be called again only when it is
   * done.
   *
   * @param read gives the configuration as it is now, or throws
   * @param causes for the log: `SIGHUP`, files that have changed
   */
  reload(
    read: () => GatewayConfigResult | Promise<GatewayConfigResult>,
    causes?: readonly string[],
  ): Promise<void>;
  /** Lets initiators log out, then stops. */
  drain(): Promise<void>;
  stop(): Promise<void>;
}

export interface RunOptions {
  /** Hears every event besides log and metrics. */
  readonly also?: Observer;
  /** How workers are started, where there are any: as processes, unless told. */
  readonly launch?: Launch;
}

/**
 * Puts a gateway together from its configuration and starts it: credentials, listeners, log, metrics, audit trail, admin server, and
 * where it is to have several, its workers.
 *
 * @throws CredentialsError; a listener's error; AuditError
 */
export async function runGateway(
  config: GatewayConfig,
  log: Logger,
  { also, launch = (number) => forkWorker(WORKER_ENTRY, 'gateway', number) }: RunOptions = {},
): Promise<RunningGateway> {
  const toLog = logEvents(log);
  const observe: Observer = (event) => {
    toLog(event);
    metrics.observe(event);
    audit?.observe(event);
    status?.observe(event);
    also?.(event);
  };
  const settings = await readSettings(config);
  for (const credentials of settings.credentials) warnOfCredentials(credentials, log);
  const guards = new Guards();
  const count = workerCount(config.workers);
  const plane =
    count === 1
      ? new DataPlane({ settings, challenges: new Challenges(randomBytes), guards, observe })
      : new WorkerPlane({ count, launch, settings, guards, observe });
  const gateway = new Gateway({ ...settings, observe, plane, guards, handsOver: count > 1 });
  let figures = await plane.figures();
  let audit = await startAudit(config.audit, log);
  const metrics = gatewayMetrics(version, {
    sessions: () => figures.sessions.length,
    unauthenticated: () => gateway.unauthenticated,
    waiting: () => gateway.waiting,
    turnedAway: () => gateway.turnedAway,
    traffic: (from) => figures.traffic[from],
    notAfter: () => [
      ...[...gateway.listeners].flatMap(([key, { credentials }]) => endDates(key, credentials)),
      ...endDates('admin', admin?.credentials()),
    ],
    ledger: () => figures.ledger,
    site: siteFigures(gateway, () => figures),
    workers: () => figures.workers,
    crashes: () => figures.crashes,
  });
  const { contentType } = metrics.exposition;
  let admin: RunningAdmin | undefined;
  const status = config.admin && startStatus(gateway, () => admin?.credentials());
  auditMetrics(metrics.registry, () => audit?.state());
  const addresses = await gateway.start().catch(async (error: unknown) => {
    status?.stop();
    await audit?.stop(error);
    throw error;
  });
  tellAddresses(addresses, 'listening', log);
  admin = await startAdmin(config.admin, log, {
    registry: {
      contentType,
      metrics: async () => {
        figures = await gateway.figures();
        return metrics.exposition.metrics();
      },
    },
    isReady: () => gateway.isListening,
    control: {
      sessions: async () => (await gateway.figures()).sessions,
      kill: (id, by) => gateway.kill(id, by),
      explain: (question) => {
        const { initiators } = gateway.config;
        return explain(initiators, readQuestion(initiators, question));
      },
    },
    ...(status && { status: status.history }),
    undo: async (error) => {
      status?.stop();
      await gateway.stop();
      await audit?.stop(error);
    },
  });
  return {
    addresses,
    ...(admin?.address && { admin: admin.address }),
    reload: async (read, causes = []) => {
      audit?.reopen();
      try {
        const { next, warnings, settings, adminTls } = await readSteadily(async () => {
          const { config: next, warnings, files } = await read();
          const settings = await readSettings(next);
          return { files, value: { next, warnings, settings, adminTls: await admin?.readTls() } };
        });
        const lists = [
          ...checkLists(gateway, settings),
          ...(adminTls ? checkListener('admin', admin?.credentials(), adminTls) : []),
        ];
        const before = audit;
        const nextAudit = await renewAudit(before, next.audit, log);
        const { opened, closed, ...result } = await gateway.reload(settings).catch(async (error: unknown) => {
          if (nextAudit !== before) await nextAudit?.close();
          throw error;
        });
        warnOfConfig(warnings, log);
        for (const credentials of settings.credentials) warnOfCredentials(credentials, log);
        admin?.use(adminTls);
        tellAddresses(opened, 'listening', log);
        tellAddresses(closed, 'no longer listening', log);
        log.level = next.log.level;
        warnOfRestart(config.admin, next.admin, 'admin', log);
        warnOfRestart(config.workers, next.workers, 'workers', log);
        if (nextAudit === before) warnOfRestart(before?.config, next.audit, 'audit', log);
        const event = { kind: 'reload', causes, ...result, lists } as const;
        observe(event);
        if (nextAudit === before) return;
        audit = nextAudit;
        nextAudit?.observe(event); // it ends the one trail and begins the other
        await before?.close();
      } catch (error) {
        const problem =
          error instanceof Error ? (describeListenError(error) ?? error.message) : String(error);
        observe({ kind: 'reload', causes, problem });
      }
    },
    drain: async () => {
      await gateway.drain();
      await admin?.close();
      await audit?.stop();
      status?.stop();
    },
    stop: async () => {
      await gateway.stop();
      await admin?.close();
      await audit?.stop();
      status?.stop();
    },
  };
}

function tellAddresses(addresses: readonly AddressInfo[], message: string, log: Logger): void {
  for (const { address, port } of addresses) log.info({ role: 'gateway', address, port }, message);
}

async function readSettings(config: GatewayConfig): Promise<Settings> {
  const credentials = await Promise.all(config.listen.map(({ tls }) => loadGatewayCredentials(tls)));
  return { config, credentials };
}

/** @throws Error as `checkSuccession` */
function checkLists(gateway: Gateway, { config, credentials }: Settings): RevocationListInForce[] {
  return credentials.flatMap((next, index) => {
    const listener = listenerKey(config, index);
    return checkListener(listener, gateway.listeners.get(listener)?.credentials, next);
  });
}

function checkListener(
  listener: string,
  before: GatewayCredentials | undefined,
  next: GatewayCredentials,
): RevocationListInForce[] {
  return checkSuccession(before, next, Date.now()).map((list) => ({ listener, ...list }));
}

function endDates(listener: string, credentials: GatewayCredentials | undefined) {
  if (credentials === undefined) return [];
  const { notAfter, crlNextUpdate } = credentials;
  const certificate = { what: 'certificate' as const, listener, at: notAfter / 1000 };
  return crlNextUpdate === undefined
    ? [certificate]
    : [certificate, { what: 'crl' as const, listener, at: crlNextUpdate / 1000 }];
}

function siteFigures(gateway: Gateway, figures: () => PlaneFigures): SiteFigures {
  const count = (by: 'backend' | 'initiator', name: string): number =>
    figures().sessions.filter((session) => session[by] === name).length;
  return {
    isReady: () => gateway.isListening,
    backends: () =>
      figures().backends.map(({ name, isUp }) => ({ name, isUp, sessions: count('backend', name) })),
    initiators: () =>
      gateway.config.initiators.map(({ id, iqn }) => ({ id, iqn, sessions: count('initiator', iqn) })),
  };
}
