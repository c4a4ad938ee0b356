import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Ends a connection that brings a request while the one before is not answered, down to the last byte in the kernel's hands. Pipelining
 * (RFC 9112 §9.3.2) would let a peer have us make answers that it does not read, and neither Prometheus nor browsers do it.
 */
export function oneAtATime(
  server: Server,
  {
    onRequest,
    onPipelined,
  }: {
    readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
    readonly onPipelined: (request: IncomingMessage) => void;
  },
): void {
  const answering = new WeakSet<Socket>();
  server.on('request', (request, response) => {
    const { socket } = request;
    if (socket.destroyed) return; // more of what came along with one that was refused
    if (answering.has(socket)) {
      onPipelined(request);
      socket.destroy();
      return;
    }
    answering.add(socket);
    response.once('finish', () => answering.delete(socket));
    onRequest(request, response);
  });
}
