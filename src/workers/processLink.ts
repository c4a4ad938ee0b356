import type { Serializable } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Link } from './link.ts';

/** What a ChildProcess and, in a worker, `process` have in common. */
interface Peer {
  readonly connected: boolean;
  send?(
    message: Serializable,
    handle?: Socket,
    options?: { keepOpen?: boolean },
    callback?: (error: Error | null) => void,
  ): boolean;
  on(event: 'message', listener: (message: unknown, handle?: unknown) => void): unknown;
  on(event: 'disconnect', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  disconnect?(): void;
}

/** The channel that Node puts between a process and one that it has forked. */
export function processLink(peer: Peer): Link {
  /** Handed to Node, which has not handed them on: it would forget them when the channel closes. */
  const underWay = new Set<Socket>();
  peer.on('disconnect', () => {
    for (const socket of underWay) socket.destroy();
    underWay.clear();
  });
  return {
    send: (message, socket) => {
      if (!peer.connected) {
        socket?.destroy();
        return;
      }
      if (socket === undefined) {
        peer.send!(message as Serializable, undefined, undefined, () => {}); // a channel that broke says so by `disconnect`
        return;
      }
      underWay.add(socket);
      peer.send!(message as Serializable, socket, { keepOpen: false }, (error) => {
        underWay.delete(socket);
        if (error !== null) socket.destroy();
      });
    },
    onMessage: (listener) => {
      peer.on('message', (message, handle) => listener(message, handle as Socket | undefined));
    },
    onClose: (listener) => void peer.on('disconnect', listener),
    close: () => {
      if (peer.connected) peer.disconnect!();
    },
  };
}
