import { startAdminServer, type AdminServer } from '../admin/adminServer.ts';
import type { Control } from '../admin/control.ts';
import type { AdminConfig } from '../config/adminConfig.ts';
import { LineLimit } from '../telemetry/lineLimit.ts';
import type { Logger } from '../telemetry/log.ts';
import type { History } from '../status/history.ts';
import { loadGatewayCredentials, type GatewayCredentials } from '../tls/credentials.ts';
import { adminTlsOptions } from '../tls/listenerOptions.ts';
import { warnOfCredentials } from './warnings.ts';

/** Whose admin server it is, a gateway or a stub: what it serves of it. */
export interface AdminOwner {
  readonly registry: { metrics(): Promise<string>; readonly contentType: string };
  readonly isReady: () => boolean;
  /** Of a gateway. */
  readonly control?: Control;
  readonly status?: History;
  /** Ends what is running already, if the admin server can't be started. */
  readonly undo: (problem: unknown) => Promise<void>;
}

export interface RunningAdmin extends Pick<AdminServer, 'address' | 'close'> {
  /** In force; absent: plain HTTP. */
  readonly credentials: () => GatewayCredentials | undefined;
  /** Reads the certificates anew from the files that were configured at the start. @throws CredentialsError */
  readTls(): Promise<GatewayCredentials | undefined>;
  /** Puts in force what `readTls` gave. */
  use(credentials: GatewayCredentials | undefined): void;
}

/** Lines a second about those who were turned away. */
const MAX_LINES = 5;

/** Starts the admin server where one is configured. @throws CredentialsError; its listener's error */
export async function startAdmin(
  admin: AdminConfig | undefined,
  log: Logger,
  { registry, isReady, control, status, undo }: AdminOwner,
): Promise<RunningAdmin | undefined> {
  if (admin === undefined) return undefined;
  const { address, tls } = admin;
  const readTls = async () => tls && (await loadGatewayCredentials(tls));
  const lines = new LineLimit(MAX_LINES);
  try {
    let credentials = await readTls();
    if (credentials) warnOfCredentials(credentials, log);
    const server = await startAdminServer({
      address,
      ...(credentials && { tls: adminTlsOptions(credentials) }),
      ...(control && { control }),
      ...(status && { status }),
      metrics: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
      isReady,
      onRefused: (address, detail) => {
        const suppressed = lines.take();
        if (suppressed === undefined) return;
        log.warn(
          { role: 'admin', address, detail, ...(suppressed > 0 && { suppressed }) },
          'admin request refused',
        );
      },
    });
    const where = server.address ?? address;
    log.info(
      'address' in where
        ? { role: 'admin', address: where.address, port: where.port }
        : { role: 'admin', ...where },
      'listening',
    );
    return {
      ...(server.address && { address: server.address }),
      readTls,
      use: (renewed) => {
        credentials = renewed;
        if (renewed === undefined) return;
        warnOfCredentials(renewed, log);
        server.renewTls(adminTlsOptions(renewed));
      },
      credentials: () => credentials,
      close: () => server.close(),
    };
  } catch (error) {
    await undo(error);
    throw error;
  }
}
