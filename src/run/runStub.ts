import type { AddressInfo } from 'node:net';
import type { StubConfig, StubConfigResult } from '../config/stubConfig.ts';
import { LEAST_WAITING_SECONDS, WARM_TUNNEL_SECONDS } from '../config/warmTunnelLife.ts';
import { Stub, type StubEvent, type StubSettings } from '../stub/stub.ts';
import type { Logger } from '../telemetry/log.ts';
import { stubMetrics, type StubMetrics } from '../telemetry/stubMetrics.ts';
import { loadStubCredentials } from '../tls/credentials.ts';
import { checkSuccession } from '../tls/succession.ts';
import { StubWorkers } from '../stub/workers/stubWorkers.ts';
import { forkWorker } from '../workers/forkWorker.ts';
import type { Launch } from '../workers/supervisor.ts';
import { DialError } from '../transport/dial.ts';
import { version } from '../version.ts';
import { warnOfConfig, warnOfCredentials, warnOfRestart } from './warnings.ts';
import { WORKER_ENTRY, workerCount } from './workerCount.ts';
import { readSteadily } from './reload/steadyReading.ts';
import { startAdmin } from './startAdmin.ts';

export interface RunningStub {
  readonly address: AddressInfo;
  readonly admin?: AddressInfo;
  /**
   * Puts new settings in force for connections to come, or leaves everything as it is: the log tells. Never rejects.
   *
   * @param read gives the configuration as it is now, or throws
   * @param causes for the log: `SIGHUP`, files that have changed
   */
  reload(read: () => StubConfigResult | Promise<StubConfigResult>, causes?: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** Puts a stub together from its configuration and starts it, and where it is to have several, its workers. @throws CredentialsError; a listener's error */
export async function runStub(
  config: StubConfig,
  log: Logger,
  { launch = (number) => forkWorker(WORKER_ENTRY, 'stub', number) }: { readonly launch?: Launch } = {},
): Promise<RunningStub> {
  const metrics = stubMetrics(version, {
    tunnels: () => stub.tunnels,
    warm: () => stub.warm,
    workers: () => (stub instanceof StubWorkers ? stub.workers : []),
    crashes: () => (stub instanceof StubWorkers ? stub.crashes : 0),
  });
  const settings = await readSettings(config);
  warnOfCredentials(settings.credentials, log);
  const observe = (event: StubEvent): void => {
    logStubEvent(log, event);
    countStubEvent(metrics, event);
  };
  const count = workerCount(config.workers);
  const stub =
    count === 1
      ? new Stub({ ...settings, observe })
      : new StubWorkers({
          ...settings,
          observe,
          count,
          launch,
          onWorkerStarted: (worker) => log.info(worker, 'worker started'),
          onWorkerLost: (loss) => log.error(loss, 'worker lost'),
          onNotTaken: (connection) => log.warn(connection, 'connection refused'),
        });
  const address = await stub.start();
  log.info({ role: 'stub', address: address.address, port: address.port }, 'listening');
  const admin = await startAdmin(config.admin, log, {
    registry: {
      contentType: metrics.registry.contentType,
      metrics: async () => {
        if (stub instanceof StubWorkers) await stub.refresh();
        return metrics.registry.metrics();
      },
    },
    isReady: () => stub.isListening,
    undo: () => stub.stop(),
  });
  return {
    address,
    ...(admin?.address && { admin: admin.address }),
    reload: async (read, causes = []) => {
      try {
        const { next, warnings, settings, adminTls } = await readSteadily(async () => {
          const { config: next, warnings, files } = await read();
          const settings = await readSettings(next);
          return { files, value: { next, warnings, settings, adminTls: await admin?.readTls() } };
        });
        if (adminTls) checkSuccession(admin?.credentials(), adminTls, Date.now());
        warnOfConfig(warnings, log);
        warnOfCredentials(settings.credentials, log);
        await stub.use(settings);
        admin?.use(adminTls);
        log.level = next.log.level;
        warnOfRestart(config.listen, next.listen, 'listen', log);
        warnOfRestart(config.admin, next.admin, 'admin', log);
        warnOfRestart(config.workers, next.workers, 'workers', log);
        log.info({ causes }, 'reloaded');
      } catch (error) {
        const problem = error instanceof Error ? error.message : String(error);
        log.error({ causes, problem }, 'reload failed: everything is as it was');
      }
    },
    stop: async () => {
      await stub.stop();
      await admin?.close();
    },
  };
}

async function readSettings(config: StubConfig): Promise<StubSettings> {
  return { config, credentials: await loadStubCredentials(config.tls) };
}

function countStubEvent(metrics: StubMetrics, event: StubEvent): void {
  switch (event.kind) {
    case 'opened':
      if (!event.wasWarm) metrics.count('tunnel');
      return;
    case 'kept':
      return metrics.count('tunnel', 'given');
    case 'reopened':
      return metrics.count('tunnel', 'closed');
    case 'unreachable':
      return metrics.count('unreachable', event.hadWarm ? 'closed' : undefined);
    case 'closed':
    case 'cutShort':
    case 'warmth':
  }
}

function logStubEvent(log: Logger, event: StubEvent): void {
  switch (event.kind) {
    case 'opened': {
      const { initiator, gateway, wasWarm } = event;
      return log.info({ initiator, gateway, warm: wasWarm }, 'tunnel open');
    }
    case 'kept':
      return; // its initiator has been told of as `opened`
    case 'reopened': {
      const { initiator, gateway } = event;
      return log.info(
        { initiator, gateway },
        'the tunnel had been closed by the gateway: another one is open',
      );
    }
    case 'cutShort': {
      const { gateway, seconds } = event;
      const detail = `a stub keeps one for ${WARM_TUNNEL_SECONDS} s: the gateway has stopped, or has a new certificate; if this comes again and again, give its limits.waitingSeconds ${LEAST_WAITING_SECONDS} or more`;
      return log.info({ gateway, seconds, detail }, 'a tunnel that waited was closed before its time');
    }
    case 'warmth':
      return event.error === undefined
        ? log.info('tunnels can be dialled ahead again')
        : log.warn(
            { detail: reasonOf(event.error) },
            'no tunnel can be dialled ahead, initiators wait for their own',
          );
    case 'closed': {
      const { initiator, gateway, received, error } = event;
      const refused =
        "the gateway closed the tunnel without a word: its log says why; look whether it takes this stub's certificate";
      const detail = error?.message ?? (received === 0 ? refused : undefined);
      return detail === undefined
        ? log.info({ initiator, gateway }, 'tunnel closed')
        : log.warn({ initiator, gateway, detail }, 'tunnel closed');
    }
    case 'unreachable':
      return log.warn(
        { initiator: event.initiator, detail: reasonOf(event.error) },
        'no gateway can be reached',
      );
  }
}

/** Each gateway with its reason: to whoever reads the stub's log, portals are those of an array. */
function reasonOf(error: Error): string {
  return error instanceof DialError ? error.reasons.join('; ') : error.message;
}
