import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { Resources } from './resources.ts';

/**
 * A TCP relay that stands in for a long way: what the far side sends arrives so much later, what the near side sends at once.
 *
 * @returns where it listens
 */
export async function startDelayingRelay(
  opened: Resources,
  to: string,
  milliseconds: number,
): Promise<string> {
  const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { hostname: host, port } = new URL(`tcp://${to}`);
  const sockets = new Set<Socket>();
  server.on('connection', (near) => {
    const far = connect({ host, port: Number(port), noDelay: true });
    near.pipe(far);
    far.on('data', (chunk: Buffer) => setTimeout(() => void near.write(chunk), milliseconds));
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        setTimeout(() => other.destroy(), 2 * milliseconds);
      });
    }
  });
  opened.defer(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
