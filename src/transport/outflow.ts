import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { BUFFER_LENGTH, giveBack, takeBuffer } from './spareBuffers.ts';

/** What may wait for a socket before its source is not read any more, and what is left when it is read again. */
const FULL = 1024 * 1024;
const LOW = 256 * 1024;

/**
 * What goes out on a socket, in as few writes as can be: one is under way at a time, and what comes meanwhile is gathered for the
 * next. Bytes are the caller's again as soon as `write` returns.
 */
export class Outflow {
  readonly socket: Socket;
  /** Little enough waits again. */
  onDrain: () => void = () => {};
  /** TLS has encrypted, and so copied, what it was given when its write returns, if none was under way. */
  readonly #copies: boolean;
  /** Gathered bytes: buffers that are full, and the one that is being filled. */
  readonly #full: Buffer[] = [];
  #filling: Buffer | undefined;
  #filled = 0;
  #isUnderWay = false;
  #isFull = false;
  #flushing: NodeJS.Immediate | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    this.#copies = socket instanceof TLSSocket;
  }

  /** What is gathered goes out once a buffer is full, at the next `flush`, or when the event loop has been round its sockets. */
  write(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (this.#copies && !this.#isUnderWay && this.#waiting === 0 && this.socket.writableLength === 0) {
      this.#send(bytes);
      return;
    }
    this.#gather(bytes);
    if (this.#isUnderWay) return;
    if (this.#full.length > 0) this.#sendNext();
    this.#flushing ??= setImmediate(() => this.flush());
  }

  /** Sends what was gathered, if nothing is under way: else it goes out behind that. */
  flush(): void {
    if (this.#flushing !== undefined) clearImmediate(this.#flushing);
    this.#flushing = undefined;
    if (!this.#isUnderWay) this.#sendNext();
  }

  /** Hands all that was gathered over to the socket, which may be ended now. */
  end(): void {
    while (this.#sendNext());
  }

  /** So much waits that nothing more should be written until `onDrain`. */
  get isFull(): boolean {
    return this.#isFull;
  }

  get #waiting(): number {
    return this.#full.length * BUFFER_LENGTH + (this.#filling === undefined ? 0 : this.#filled);
  }

  #gather(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#filling === undefined) {
        this.#filling = takeBuffer();
        this.#filled = 0;
      }
      const length = Math.min(bytes.length - at, BUFFER_LENGTH - this.#filled);
      bytes.copy(this.#filling, this.#filled, at, at + length);
      at += length;
      this.#filled += length;
      if (this.#filled < BUFFER_LENGTH) continue;
      this.#full.push(this.#filling);
      this.#filling = undefined;
    }
    if (this.#waiting >= FULL) this.#isFull = true;
  }

  /** @returns false if nothing was gathered */
  #sendNext(): boolean {
    const full = this.#full.shift();
    if (full !== undefined) {
      this.#send(full, full);
      return true;
    }
    const filling = this.#filling;
    if (filling === undefined) return false;
    this.#filling = undefined;
    this.#send(filling.subarray(0, this.#filled), filling);
    return true;
  }

  /** @param buffer holds the bytes, and is spare once they are out */
  #send(bytes: Buffer, buffer?: Buffer): void {
    this.#isUnderWay = true;
    this.socket.write(bytes, (error) => {
      // Of a write that failed nobody knows whether the platform is done with it.
      if (error) return;
      if (buffer !== undefined) giveBack(buffer);
      this.#isUnderWay = false;
      this.flush();
      if (!this.#isFull || this.#waiting > LOW) return;
      this.#isFull = false;
      this.onDrain();
    });
  }
}
