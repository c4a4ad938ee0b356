import type { Duplex } from 'node:stream';
import { isReset } from './isReset.ts';

/**
 * Pulls chunks out of a socket one at a time. What is not asked for stays in the socket, whose buffer is bounded, so a peer that
 * sends ahead costs nothing more.
 */
export class ChunkReader {
  readonly socket: Duplex;
  #unread: Buffer[] = [];
  #ended = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;
  readonly #onReadable = (): void => this.#wake?.();
  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#wake?.();
  };
  readonly #onError = (error: Error): void => {
    if (!isReset(error)) this.#error ??= error;
    this.#onEnd();
  };

  constructor(socket: Duplex) {
    this.socket = socket;
    socket.on('readable', this.#onReadable);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onEnd);
    socket.on('error', this.#onError);
  }

  /** What comes first, as soon as it does: something to read, the end, or the end of this time. Reads nothing. */
  comesFirst(milliseconds: number): Promise<'bytes' | 'end' | 'nothing'> {
    const { socket } = this;
    if (this.#unread.length > 0 || socket.readableLength > 0) return Promise.resolve('bytes');
    if (this.#ended || socket.destroyed) return Promise.resolve('end');
    return new Promise((resolve) => {
      const done = (what: 'bytes' | 'end' | 'nothing'): void => {
        clearTimeout(timer);
        socket.off('readable', onReadable);
        socket.off('close', onClose);
        resolve(what);
      };
      const onReadable = (): void => done(socket.readableLength > 0 ? 'bytes' : 'end');
      const onClose = (): void => done('end');
      const timer = setTimeout(() => done('nothing'), milliseconds);
      socket.on('readable', onReadable);
      socket.on('close', onClose);
    });
  }

  /** Puts bytes back; they are the next to be read. */
  unread(bytes: Buffer): void {
    if (bytes.length > 0) this.#unread.unshift(bytes);
  }

  /**
   * @returns undefined when the peer has ended the connection
   * @throws the socket's error, unless it is a reset: that is an end
   */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      const chunk = this.#unread.shift() ?? (this.socket.read() as Buffer | null);
      if (chunk !== null) return chunk;
      if (this.#error !== undefined) throw this.#error;
      if (this.#ended || this.socket.destroyed) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }

  /**
   * Gives the socket back.
   *
   * @returns what was put back and not read again
   */
  detach(): Buffer {
    this.socket.off('readable', this.#onReadable);
    this.socket.off('end', this.#onEnd);
    this.socket.off('close', this.#onEnd);
    this.socket.off('error', this.#onError);
    return Buffer.concat(this.#unread);
  }
}
