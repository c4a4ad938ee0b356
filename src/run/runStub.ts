import type { AddressInfo } from 'node:net';
import type { StubConfig, StubConfigResult } from '../config/stubConfig.ts';
import { Stub, type StubEvent, type StubSettings } from '../stub/stub.ts';
import type { Logger } from '../telemetry/log.ts';
import { stubMetrics } from '../telemetry/stubMetrics.ts';
import { loadStubCredentials } from '../tls/credentials.ts';
import { checkSuccession } from '../tls/succession.ts';
import { StubWorkers } from '../stub/workers/stubWorkers.ts';
import { forkWorker } from '../workers/forkWorker.ts';
import type { Launch } from '../workers/supervisor.ts';
import { version } from '../version.ts';
import { warnOfConfig, warnOfCredentials, warnOfRestart } from './warnings.ts';
import { WORKER_ENTRY, workerCount } from './workerCount.ts';
import { readSteadily } from './reload/steadyReading.ts';
import { startAdmin } from './startAdmin.ts';
import { StubEventLimit } from './stubEventLimit.ts';
import { countStubEvent, logStubEvent } from './stubEvents.ts';

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
  const limit = new StubEventLimit();
  const observe = (event: StubEvent): void => {
    logStubEvent(log, event, limit);
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
