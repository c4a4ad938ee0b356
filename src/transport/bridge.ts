import type { Socket } from 'node:net';
import { closeAfterFlush } from './closeAfterFlush.ts';
import { isReset } from './isReset.ts';

export interface BridgeOptions {
  /** Takes a chunk from one side and writes what goes on to the other; throws to end both. */
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
export function bridge(a: Socket, b: Socket, options: BridgeOptions): void {
  let end: BridgeEnd | undefined;
  let open = 2;

  const finish = (by: 'a' | 'b', error?: unknown): void => {
    if (end !== undefined) return;
    end = error === undefined ? { by } : { by, error };
    const [ended, other] = by === 'a' ? [a, b] : [b, a];
    ended.destroy();
    if (error !== undefined) other.destroy();
    else closeAfterFlush(other);
  };

  const attach = (from: Socket, to: Socket, by: 'a' | 'b', take: (chunk: Buffer) => void): void => {
    const onData = (chunk: Buffer): void => {
      if (end !== undefined) return;
      try {
        take(chunk);
      } catch (error) {
        finish(by, error);
        return;
      }
      if (!to.writableNeedDrain) return;
      from.pause();
      options.onPause?.(by);
    };
    to.on('drain', () => {
      from.resume();
      options.onResume?.(by);
    });
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
    from.on('data', onData);
  };

  attach(a, b, 'a', options.fromA);
  attach(b, a, 'b', options.fromB);
}
