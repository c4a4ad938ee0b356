import net from 'node:net';
import { formatPortal, type Portal } from '../iscsi/targetAddress.ts';
import { deadlineIn } from './deadline.ts';

/** For this process: a host with two addresses gets 250 ms for the first by default; a WAN's round trips are longer. */
export function giveAddressesTime(): void {
  net.setDefaultAutoSelectFamilyAttemptTimeout(2500);
}

/** No portal could be reached; the message names each with its reason. */
export class DialError extends Error {
  /** `host:port: reason`, for each. */
  readonly reasons: readonly string[];

  constructor(reasons: readonly string[]) {
    super(`no portal can be reached: ${reasons.join('; ')}`);
    this.name = 'DialError';
    this.reasons = reasons;
  }
}

/**
 * Connects to the first portal that takes the connection, in order.
 *
 * @param timeoutMs for each portal
 * @param connect how one portal is tried. It must fail, not hang, when the signal aborts.
 * @param parent aborts the attempt that is under way, and those that follow
 * @throws DialError
 */
export async function dialFirst<T = net.Socket>(
  portals: readonly Portal[],
  timeoutMs: number,
  connect: (portal: Portal, signal: AbortSignal) => Promise<T>,
  parent?: AbortSignal,
): Promise<{ connection: T; portal: Portal }> {
  const reasons: string[] = [];
  for (const portal of portals) {
    const { signal, clear } = deadlineIn(timeoutMs, parent);
    try {
      return { connection: await connect(portal, signal), portal };
    } catch (error) {
      const isTooLong = signal.aborted && parent?.aborted !== true;
      const reason = isTooLong ? `no answer within ${timeoutMs / 1000} s` : (error as Error).message;
      reasons.push(`${formatPortal(portal)}: ${reason}`);
    } finally {
      clear();
    }
  }
  throw new DialError(reasons);
}

/** One plain TCP connection, set up for request and response traffic. */
export function connectTcp(portal: Portal, signal: AbortSignal): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({
      host: portal.host,
      port: portal.port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
    });
    settle(socket, 'connect', signal, resolve, reject);
  });
}

/** Resolves with the socket once it is ready, or destroys it and rejects. */
export function settle<S extends net.Socket>(
  socket: S,
  ready: 'connect' | 'secureConnect',
  signal: AbortSignal,
  resolve: (socket: S) => void,
  reject: (error: Error) => void,
): void {
  const fail = (error: Error): void => {
    done();
    socket.on('error', () => {}); // whatever else it says is about a socket that is given up
    socket.destroy();
    reject(error);
  };
  const onAbort = (): void => fail(new Error('timed out'));
  const onClose = (): void => fail(new Error('the peer closed the connection'));
  const onReady = (): void => {
    done();
    resolve(socket);
  };
  const done = (): void => {
    signal.removeEventListener('abort', onAbort);
    socket.off('error', fail);
    socket.off('close', onClose);
    socket.off(ready, onReady);
  };
  socket.once('error', fail);
  socket.once('close', onClose);
  socket.once(ready, onReady);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
}
