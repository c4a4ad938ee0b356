import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import tls from 'node:tls';
import { GATEWAY_NAME, type Certificates } from './sangate.ts';

/**
 * Dials gateways as an initiator with TLS of its own does: no stub, no PROXY header. For a session, not for what the gateway refuses:
 * that shows only when the handshake is over on this side.
 */
export function tunnelDialler({ ca, initiator }: Certificates): (gateway: string) => Promise<Socket> {
  const credentials = {
    ca: readFileSync(ca),
    cert: readFileSync(initiator.cert),
    key: readFileSync(initiator.key),
  };
  return async (gateway) => {
    const { hostname: host, port } = new URL(`tcp://${gateway}`);
    const socket = tls.connect({
      ...credentials,
      host,
      port: Number(port),
      servername: GATEWAY_NAME,
      minVersion: 'TLSv1.3',
    });
    socket.setNoDelay(true);
    await once(socket, 'secureConnect');
    return socket;
  };
}
