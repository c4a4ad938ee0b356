import type { Portal } from '../iscsi/targetAddress.ts';
import { parsePortal, type PortalOptions } from './portal.ts';
import { quote, ValueError } from './problem.ts';

/** A unix socket, by the path of its file. */
export interface UnixSocket {
  readonly socket: string;
}

export type AdminAddress = Portal | UnixSocket;

/** Where the gateway's admin listener is unless the configuration says otherwise. */
export const GATEWAY_ADMIN = '127.0.0.1:9260';

/**
 * Reads `unix:/run/sangate/admin.sock`, `unix:admin.sock`, or what `parsePortal` reads.
 *
 * @throws ValueError
 */
export function parseAdminAddress(text: string, options: PortalOptions): AdminAddress {
  if (!text.startsWith('unix:')) return parsePortal(text, options);
  const socket = text.slice('unix:'.length);
  if (socket === '' || /[\0\n]/.test(socket) || socket.startsWith('//')) {
    throw new ValueError(
      `${quote(text)} has no path of a socket`,
      'write unix: and the path, as in unix:/run/sangate/admin.sock',
    );
  }
  return { socket };
}
