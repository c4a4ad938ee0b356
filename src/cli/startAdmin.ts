import { startAdminServer, type AdminServer } from '../admin/adminServer.ts';
import type { Portal } from '../iscsi/targetAddress.ts';
import type { Logger } from '../telemetry/log.ts';

/** What gateway and stub hand to their admin server. */
export interface AdminSource {
  readonly registry: { metrics(): Promise<string>; readonly contentType: string };
  readonly isReady: () => boolean;
  /** Ends what is running already, if the admin server can't be started. */
  readonly undo: () => Promise<void>;
}

/** Starts the admin server where one is configured. @throws its listener's error */
export async function startAdmin(
  admin: { readonly address: Portal } | undefined,
  log: Logger,
  { registry, isReady, undo }: AdminSource,
): Promise<AdminServer | undefined> {
  if (admin === undefined) return undefined;
  try {
    const server = await startAdminServer({
      ...admin.address,
      metrics: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
      isReady,
    });
    log.info({ role: 'admin', address: server.address.address, port: server.address.port }, 'listening');
    return server;
  } catch (error) {
    await undo();
    throw error;
  }
}
