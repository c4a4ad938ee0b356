import type { AddressInfo, Server } from 'node:net';
import type { Portal } from '../iscsi/targetAddress.ts';

/**
 * Starts a server.
 *
 * @returns where it listens, with the port that the kernel chose for 0
 * @throws the server's error
 */
export function listen(server: Server, { host, port }: Portal): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve(server.address() as AddressInfo);
    });
  });
}

/** Takes no more connections; resolves once those that there are have ended, which is the caller's work. */
export function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => void server.close(() => resolve()));
}
