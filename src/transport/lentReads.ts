import type { OnReadOpts, Socket } from 'node:net';

/** What one read may give: more than Node's own 64 KiB, so that a busy socket is asked less often. */
const READ_LENGTH = 256 * 1024;

/** All sockets that are dialled read into it, one after the other: who takes a chunk is done with it before the next read. */
const shared = Buffer.allocUnsafeSlow(READ_LENGTH);
let isLent = false;

const takers = new WeakMap<Socket, (chunk: Buffer) => void>();

/**
 * For a socket that is dialled: spares an allocation at each read. It can be read like any other; once it flows to a taker
 * (`readTo`), chunks come without being copied. Node has this for sockets that are dialled only.
 */
export class LentReads {
  #socket: Socket | undefined;

  readonly onread: OnReadOpts = {
    buffer: shared,
    callback: (length) => this.#read(shared.subarray(0, length)),
  };

  /** To be called as soon as there is a socket that was made with `onread`. */
  bind(socket: Socket): void {
    this.#socket = socket;
  }

  /** @returns whether to go on reading */
  #read(chunk: Buffer): boolean {
    const socket = this.#socket!;
    const take = takers.get(socket);
    if (take === undefined || !socket.readableFlowing || socket.readableLength > 0) {
      return socket.push(Buffer.from(chunk));
    }
    if (isLent) {
      socket.destroy(new Error('a read came while another one was still being taken'));
      return false;
    }
    isLent = true;
    try {
      take(chunk);
    } finally {
      isLent = false;
    }
    return true;
  }
}

/**
 * Has the socket flow to `take` from now on, beginning with what it holds already. A chunk is lent: its bytes hold until `take`
 * returns.
 */
export function readTo(socket: Socket, take: (chunk: Buffer) => void): void {
  takers.set(socket, take);
  socket.on('data', take);
}
