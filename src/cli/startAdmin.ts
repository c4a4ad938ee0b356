import { startAdminServer, type AdminServer } from '../admin/adminServer.ts';
import type { Control } from '../admin/control.ts';
import type { AdminConfig } from '../config/adminConfig.ts';
import { LineLimit } from '../telemetry/lineLimit.ts';
import type { Logger } from '../telemetry/log.ts';
import { loadGatewayCredentials } from '../tls/credentials.ts';
import { adminTlsOptions } from '../tls/listener.ts';

/** What gateway and stub hand to their admin server. */
export interface AdminSource {
  readonly registry: { metrics(): Promise<string>; readonly contentType: string };
  readonly isReady: () => boolean;
  /** Of a gateway. */
  readonly control?: Control;
  /** Ends what is running already, if the admin server can't be started. */
  readonly undo: () => Promise<void>;
}

/** Lines a second about those who were turned away. */
const MAX_LINES = 5;

/** Starts the admin server where one is configured. @throws CredentialsError; its listener's error */
export async function startAdmin(
  admin: AdminConfig | undefined,
  log: Logger,
  { registry, isReady, control, undo }: AdminSource,
): Promise<AdminServer | undefined> {
  if (admin === undefined) return undefined;
  const lines = new LineLimit(MAX_LINES);
  try {
    const credentials = admin.tls && (await loadGatewayCredentials(admin.tls));
    for (const warning of credentials?.warnings ?? []) log.warn(warning);
    const server = await startAdminServer({
      address: admin.address,
      ...(credentials && { tls: adminTlsOptions(credentials) }),
      ...(control && { control }),
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
    const where = server.address ?? admin.address;
    log.info(
      'address' in where
        ? { role: 'admin', address: where.address, port: where.port }
        : { role: 'admin', ...where },
      'listening',
    );
    return server;
  } catch (error) {
    await undo();
    throw error;
  }
}
