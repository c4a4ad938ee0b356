import type { Socket } from 'node:net';
import { Failure } from '../failures.ts';

/**
 * The time limit of a login; a peer that leaves ends it too.
 *
 * @param begun when its time began, by `performance.now()`
 * @param circumstance what may have led to its end, for the log
 */
export function loginDeadline(
  socket: Socket,
  begun: number,
  timeoutMs: number,
  circumstance = '',
): { readonly signal: AbortSignal; readonly clear: () => void } {
  const controller = new AbortController();
  const timer = setTimeout(
    () => {
      const message = `the login was not done within ${timeoutMs / 1000} s${circumstance}`;
      controller.abort(new Failure('login_timeout', message));
      socket.destroy();
    },
    begun + timeoutMs - performance.now(),
  );
  const onClose = (): void =>
    controller.abort(new Failure('peer_closed', 'the initiator closed the connection during login'));
  socket.once('close', onClose);
  const clear = (): void => {
    clearTimeout(timer);
    socket.off('close', onClose);
  };
  return { signal: controller.signal, clear };
}
