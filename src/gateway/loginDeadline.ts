import type { Socket } from 'node:net';
import { Failure } from '../failures.ts';

/**
 * The time limit of a login; a peer that leaves ends it too.
 *
 * @param begun when its time began, by `performance.now()`
 */
export function loginDeadline(
  socket: Socket,
  begun: number,
  timeoutMs: number,
): { readonly signal: AbortSignal; readonly clear: () => void } {
  const controller = new AbortController();
  const timer = setTimeout(
    () => {
      controller.abort(new Failure('login_timeout', `the login was not done within ${timeoutMs / 1000} s`));
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
