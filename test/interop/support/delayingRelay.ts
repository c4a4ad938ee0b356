import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Resources } from './resources.ts';

/** What Node's timers may be late by; the last of a delay is waited for without them. */
const TIMER_MS = 2;

/**
 * A TCP relay that stands in for a long way: what the far side sends arrives so much later, what the near side sends at once.
 *
 * @param milliseconds asked for each chunk, so that the way may become longer or shorter
 * @returns where it listens
 */
export async function startDelayingRelay(
  opened: Resources,
  to: string,
  milliseconds: () => number,
): Promise<string> {
  const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { hostname: host, port } = new URL(`tcp://${to}`);
  const sockets = new Set<Socket>();
  server.on('connection', (near) => {
    const far = connect({ host, port: Number(port), noDelay: true });
    const line = new Line(milliseconds);
    near.pipe(far);
    far.on('data', (chunk: Buffer) => line.take(() => near.write(chunk)));
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        line.take(() => other.destroy());
      });
    }
  });
  opened.defer(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Does what it takes after a delay, in the order in which it came: nothing overtakes, not even when the delay becomes shorter. */
class Line {
  readonly #milliseconds: () => number;
  readonly #waiting: { readonly due: number; readonly work: () => void }[] = [];

  constructor(milliseconds: () => number) {
    this.#milliseconds = milliseconds;
  }

  take(work: () => void): void {
    this.#waiting.push({ due: performance.now() + this.#milliseconds(), work });
    if (this.#waiting.length === 1) void this.#run();
  }

  async #run(): Promise<void> {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      await until(next.due);
      next.work();
      this.#waiting.shift();
    }
  }
}

/** @param time of `performance.now` */
async function until(time: number): Promise<void> {
  const left = (): number => time - performance.now();
  if (left() > TIMER_MS) await setTimeout(left() - TIMER_MS);
  while (left() > 0) await setImmediate();
}
