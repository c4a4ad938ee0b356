import { TLSSocket } from 'node:tls';
import { closeAfterFlush } from './closeAfterFlush.ts';
import { isReset } from './isReset.ts';
import { readTo } from './lentReads.ts';
import type { Outflow } from './outflow.ts';

export interface BridgeOptions {
  /** Takes a chunk, which may be lent, from one side and writes what goes on to the other; throws to end both. */
  readonly fromA: (chunk: Buffer) => void;
  readonly fromB: (chunk: Buffer) => void;
  /** What was read from each side before the bridge took over. */
  readonly first: { readonly a: Buffer; readonly b: Buffer };
  /** This side is not read from now on, because the other one does not take more; or it is again. Either may be told twice. */
  readonly onPause?: (side: 'a' | 'b') => void;
  readonly onResume?: (side: 'a' | 'b') => void;
  /** Both sockets are gone. `error` is what ended it, absent when a side just closed. */
  readonly onEnd: (end: BridgeEnd) => void;
}

export interface BridgeEnd {
  readonly by: 'a' | 'b';
  readonly error?: unknown;
}

/**
 * Joins two sockets: backpressure both ways, and one side's end ends the other at once. iSCSI has no half-close: a peer that
 * ends its sending side is done, and what was written towards the other still goes out (a Logout Response, say).
 */
export function bridge(a: Outflow, b: Outflow, options: BridgeOptions): void {
  let end: BridgeEnd | undefined;
  let open = 2;

  const finish = (by: 'a' | 'b', error?: unknown): void => {
    if (end !== undefined) return;
    end = error === undefined ? { by } : { by, error };
    const [ended, other] = by === 'a' ? [a, b] : [b, a];
    ended.socket.destroy();
    other.end();
    if (error !== undefined) other.socket.destroy();
    else closeAfterFlush(other.socket);
  };

  const attach = (
    { socket: from }: Outflow,
    to: Outflow,
    by: 'a' | 'b',
    take: (chunk: Buffer) => void,
  ): void => {
    // One read of TLS gives many chunks, for each record is one (RFC 8446 §5.1); nobody tells which is the last.
    const isTls = from instanceof TLSSocket;
    const onData = (chunk: Buffer): void => {
      if (end !== undefined) return;
      try {
        take(chunk);
      } catch (error) {
        finish(by, error);
        return;
      }
      if (!isTls) to.flush();
      if (!to.isFull) return;
      from.pause();
      options.onPause?.(by);
    };
    to.onDrain = () => {
      from.resume();
      options.onResume?.(by);
    };
    from.on('end', () => finish(by));
    from.on('error', (error) => finish(by, isReset(error) ? undefined : error));
    const onClose = (): void => {
      finish(by);
      if (--open === 0) options.onEnd(end!);
    };
    // A socket may have closed while it changed hands; it will not say so again.
    if (from.closed) queueMicrotask(onClose);
    else from.on('close', onClose);
    const first = options.first[by];
    if (first.length > 0) onData(first);
    readTo(from, onData);
  };

  attach(a, b, 'a', options.fromA);
  attach(b, a, 'b', options.fromB);
}
