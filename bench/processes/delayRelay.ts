// A TCP relay that stands for a long line: so much delay each way, so many bits a second each way, for all connections together.
import net, { type AddressInfo, type Socket } from 'node:net';

export interface DelayRelayOptions {
  readonly to: string;
  readonly roundTripMs: number;
  readonly megabitsPerSecond: number;
  /** What one sender may have on the line and unacknowledged, as TCP's windows have it. */
  readonly windowBytes: number;
}

interface Piece {
  readonly due: number;
  readonly run: () => void;
}

const { to, roundTripMs, megabitsPerSecond, windowBytes } = JSON.parse(process.argv[2]!) as DelayRelayOptions;
const { hostname: host, port: text } = new URL(`tcp://${to}`);
const delay = roundTripMs / 2;
const bytesPerMs = (megabitsPerSecond * 1e6) / 8 / 1000;

/** Runs things at their time, or up to a millisecond later, in the order in which they were given, which is that of their times. */
class Schedule {
  readonly #pieces: Piece[] = [];

  add(due: number, run: () => void): void {
    this.#pieces.push({ due, run });
    if (this.#pieces.length === 1) this.#wait();
  }

  #wait(): void {
    setTimeout(() => this.#work(), Math.max(0, this.#pieces[0]!.due - performance.now()));
  }

  #work(): void {
    const now = performance.now();
    let done = 0;
    while (done < this.#pieces.length && this.#pieces[done]!.due <= now) this.#pieces[done++]!.run();
    this.#pieces.splice(0, done);
    if (this.#pieces.length > 0) this.#wait();
  }
}

/** One direction of the line. */
class Line {
  readonly #arrivals = new Schedule();
  readonly #acknowledgements = new Schedule();
  /** When the last byte that was given to it has left. */
  #freeAt = 0;

  carry(from: Socket, target: Socket): void {
    let underWay = 0;
    from.on('data', (chunk: Buffer) => {
      this.#freeAt = Math.max(this.#freeAt, performance.now()) + chunk.length / bytesPerMs;
      underWay += chunk.length;
      const arrives = this.#freeAt + delay;
      this.#arrivals.add(arrives, () => void target.write(chunk));
      this.#acknowledgements.add(arrives + delay, () => {
        underWay -= chunk.length;
        if (underWay < windowBytes && !target.writableNeedDrain) from.resume();
      });
      if (underWay >= windowBytes || target.writableNeedDrain) from.pause();
    });
    target.on('drain', () => {
      if (underWay < windowBytes) from.resume();
    });
    const end = (): void =>
      this.#arrivals.add(Math.max(this.#freeAt, performance.now()) + delay, () => target.end());
    from.on('end', end);
    from.on('error', end);
  }
}

const there = new Line();
const back = new Line();
const server = net.createServer({ noDelay: true, allowHalfOpen: true, pauseOnConnect: true }, (near) => {
  const far = net.connect({ host, port: Number(text), noDelay: true, allowHalfOpen: true });
  near.on('error', () => {}); // until somebody reads from it
  back.carry(far, near);
  // TCP's own handshake takes a round trip, of which neither end sees anything on loopback. Other connections do not wait for it.
  setTimeout(() => {
    there.carry(near, far);
    near.resume();
  }, roundTripMs);
});
server.listen(0, '127.0.0.1', () => {
  const { address, port } = server.address() as AddressInfo;
  console.log(`listening ${address}:${port}`);
});
