import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { Resources } from './resources.ts';

// of each connection: more than any login, less than the disk images that follow
const KEPT = 64 * 1024;

/** A TCP relay that keeps the beginning of what the far side answers: what was negotiated stands there as text. */
export class Tap {
  readonly address: string;
  #heard: Buffer[] = [];

  private constructor(address: string) {
    this.address = address;
  }

  static async start(opened: Resources, to: string): Promise<Tap> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const tap = new Tap(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    const { hostname: host, port } = new URL(`tcp://${to}`);
    const sockets = new Set<Socket>();
    server.on('connection', (near) => {
      const far = connect({ host, port: Number(port), noDelay: true });
      near.pipe(far).pipe(near);
      let kept = 0;
      far.on('data', (chunk: Buffer) => {
        if (kept < KEPT) tap.#heard.push(chunk);
        kept += chunk.length;
      });
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(one);
        one.on('error', () => other.destroy());
        one.on('close', () => {
          sockets.delete(one);
          other.destroy();
        });
      }
    });
    opened.defer(async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    });
    return tap;
  }

  forget(): void {
    this.#heard = [];
  }

  /** Every different `key=value` that the far side answered for this text key. */
  answers(key: string): string[] {
    const text = Buffer.concat(this.#heard).toString('latin1');
    return [...new Set(text.match(new RegExp(`\\b${key}=[ -~]*`, 'g')))];
  }
}
