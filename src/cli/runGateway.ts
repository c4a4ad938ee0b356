import type { AddressInfo } from 'node:net';
import type { GatewayConfig } from '../config/gatewayConfig.ts';
import { Gateway } from '../gateway/gateway.ts';
import { formatPortal } from '../iscsi/targetAddress.ts';
import type { Observer } from '../telemetry/events.ts';
import { logEvents, type Logger } from '../telemetry/log.ts';
import { gatewayMetrics } from '../telemetry/metrics.ts';
import { loadGatewayCredentials, type GatewayCredentials } from '../tls/credentials.ts';
import { startAdmin } from './startAdmin.ts';
import { version } from './version.ts';

export interface RunningGateway {
  /** Where each listener of the configuration listens. */
  readonly addresses: readonly AddressInfo[];
  readonly admin?: AddressInfo;
  stop(): Promise<void>;
}

/**
 * Puts a gateway together from its configuration and starts it: credentials, listeners, log, metrics, admin server.
 *
 * @param also hears every event besides log and metrics
 * @throws CredentialsError; a listener's error
 */
export async function runGateway(
  config: GatewayConfig,
  log: Logger,
  also?: Observer,
): Promise<RunningGateway> {
  const credentials = await Promise.all(config.listen.map(({ tls }) => loadGatewayCredentials(tls)));
  for (const warning of credentials.flatMap(({ warnings }) => warnings)) log.warn(warning);
  const toLog = logEvents(log);
  const observe: Observer = (event) => {
    toLog(event);
    metrics.observe(event);
    also?.(event);
  };
  const gateway = new Gateway({ config, credentials, observe });
  const metrics = gatewayMetrics(version, {
    sessions: () => gateway.sessions.size,
    unauthenticated: () => gateway.unauthenticated,
    traffic: (from) => gateway.sessions.traffic(from),
    notAfter: () =>
      config.listen.flatMap(({ address }, i) => endDates(formatPortal(address), credentials[i]!)),
  });
  const addresses = await gateway.start();
  for (const { address, port } of addresses) log.info({ role: 'gateway', address, port }, 'listening');
  const admin = await startAdmin(config.admin, log, {
    registry: metrics.registry,
    isReady: () => gateway.isListening,
    undo: () => gateway.stop(),
  });
  return {
    addresses,
    ...(admin && { admin: admin.address }),
    stop: async () => {
      await gateway.stop();
      await admin?.close();
    },
  };
}

function endDates(listener: string, { notAfter, crlNextUpdate }: GatewayCredentials) {
  const certificate = { what: 'certificate' as const, listener, at: notAfter / 1000 };
  return crlNextUpdate === undefined
    ? [certificate]
    : [certificate, { what: 'crl' as const, listener, at: crlNextUpdate / 1000 }];
}
