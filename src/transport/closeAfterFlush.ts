import type { Socket } from 'node:net';

/** How long a peer may take to read what is already written to it. */
const FLUSH_MS = 5000;

/** Closes a socket once everything written to it is out, or after five seconds. */
export function closeAfterFlush(socket: Socket, last?: Buffer): void {
  if (socket.destroyed) return;
  const timer = setTimeout(() => socket.destroy(), FLUSH_MS);
  socket.once('close', () => clearTimeout(timer));
  if (last !== undefined) socket.write(last);
  socket.end(() => socket.destroy());
}
