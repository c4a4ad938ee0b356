import { Socket } from 'node:net';

/** What one read may give: more than Node's own 64 KiB, so that a busy socket is asked less often. */
const READ_LENGTH = 256 * 1024;

/** All sockets read into it, one after the other: who takes a chunk is done with it before the next read. */
const shared = Buffer.allocUnsafeSlow(READ_LENGTH);
let isLent = false;

/**
 * Has the socket flow to `take` from now on, beginning with what it holds already. A chunk is lent: its bytes hold until `take`
 * returns.
 */
export function readTo(socket: Socket, take: (chunk: Buffer) => void): void {
  lendTo(socket, take);
  socket.on('data', take);
}

/** Of a socket: where reads go, and what is called behind each. Either is null where each read allocates. */
interface Reading {
  readonly buffer: symbol;
  readonly callback: symbol;
}

/** As far as this is of concern: reads of the handle go to this buffer from now on. */
interface Handle {
  readonly useUserBuffer?: (buffer: Buffer) => void;
}

/**
 * Node reads a socket into a buffer of its user's, if it was dialled with the option `onread`, and has no such option for one that
 * was accepted. So what the option sets is set here, for both, once the login is over; a Node that keeps it elsewhere allocates
 * for each read, as it does by itself.
 */
function lendTo(socket: Socket, take: (chunk: Buffer) => void): void {
  const { _handle: handle } = socket as Socket & { readonly _handle?: Handle | null };
  if (READING === undefined || handle?.useUserBuffer === undefined) return;
  const onRead = (length: number): boolean => {
    const chunk = shared.subarray(0, length);
    return socket.readableFlowing === true && socket.readableLength === 0
      ? lend(socket, chunk, take)
      : socket.push(Buffer.from(chunk));
  };
  Object.assign(socket, { [READING.buffer]: shared, [READING.callback]: onRead });
  handle.useUserBuffer(shared);
}

/** @returns whether to go on reading */
function lend(socket: Socket, chunk: Buffer, take: (chunk: Buffer) => void): boolean {
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

const READING = findReading();

/** Found by what the option leaves on a socket, for Node has no names for it. */
function findReading(): Reading | undefined {
  const onread = { buffer: Buffer.alloc(1), callback: () => true };
  const options: ConstructorParameters<typeof Socket>[0] & { onread: typeof onread } = { onread };
  const probe = new Socket(options) as Socket & Record<symbol, unknown>;
  const holding = (what: unknown): symbol | undefined =>
    Object.getOwnPropertySymbols(probe).find((symbol) => probe[symbol] === what);
  const [buffer, callback] = [holding(onread.buffer), holding(onread.callback)];
  return buffer === undefined || callback === undefined ? undefined : { buffer, callback };
}
