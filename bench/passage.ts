import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { bridge, type BridgeEnd } from '../src/transport/bridge.ts';
import { connectTcp } from '../src/transport/dial.ts';
import { Outflow } from '../src/transport/outflow.ts';
import { mint } from '../test/support/minting.ts';
import type { Done, EndsOptions, Order, Ready } from './processes/ends.ts';
import { CIPHER, GATEWAY_NAME } from './support/certificates.ts';
import type { MakeTransform } from './support/relaying.ts';
import { WORKLOADS, type Workload } from './workloads.ts';

export interface Pace {
  /** Exchanges a second. */
  readonly perSecond: number;
  /** Of the middle alone, for one exchange. */
  readonly cpuMicroseconds: number;
}

/**
 * An initiator, a gateway and a target over loopback TCP. The gateway is this process and has nothing but what stands between two
 * sockets; both ends are another one (processes/ends.ts), so that CPU time here is the gateway's alone. What it does with the bytes is
 * switched between two runs, so that all that is compared goes through the same sockets.
 */
export class Passage {
  readonly #ends: ChildProcess;
  readonly #select: (which: number) => void;

  private constructor(ends: ChildProcess, select: (which: number) => void) {
    this.#ends = ends;
    this.#select = select;
  }

  /** @param hasTls on the initiator's leg, as a gateway has it */
  static async open(workload: Workload, hasTls: boolean, makers: readonly MakeTransform[]): Promise<Passage> {
    const identity = mint(GATEWAY_NAME, { kind: 'ec' });
    const { cert, key } = identity;
    const server = hasTls
      ? tls.createServer({ cert, key, ciphers: CIPHER, minVersion: 'TLSv1.3' })
      : createServer();
    const options: EndsOptions = {
      workload: WORKLOADS.indexOf(workload),
      initiatorPort: await listening(server),
      ...(hasTls && { ca: cert }),
    };
    const script = fileURLToPath(new URL('./processes/ends.js', import.meta.url));
    const ends = fork(script, [JSON.stringify(options)]);
    const [near, [{ targetPort }]] = await Promise.all([
      accepted(server, hasTls ? 'secureConnection' : 'connection'),
      once(ends, 'message') as Promise<[Ready]>,
    ]);
    const far = await connectTcp({ host: '127.0.0.1', port: targetPort }, AbortSignal.timeout(5000));
    const [toInitiator, toTarget] = [new Outflow(near), new Outflow(far)];
    const transforms = makers.map((make) =>
      make({ toTarget: (view) => toTarget.write(view), toInitiator: (view) => toInitiator.write(view) }),
    );
    let current = transforms[0]!;
    bridge(toInitiator, toTarget, {
      fromA: (chunk) => current.fromInitiator(chunk),
      fromB: (chunk) => current.fromTarget(chunk),
      first: { a: Buffer.alloc(0), b: Buffer.alloc(0) },
      onEnd: throwError,
    });
    return new Passage(ends, (which) => (current = transforms[which]!));
  }

  /**
   * Keeps the workload's depth of commands under way.
   *
   * @param which of the makers' transforms has the bytes
   * @returns what it came to
   */
  async run(which: number, milliseconds: number): Promise<Pace> {
    this.#select(which);
    const order: Order = { milliseconds };
    const cpu = process.cpuUsage();
    this.#ends.send(order);
    const [{ exchanges, seconds }] = (await once(this.#ends, 'message')) as [Done];
    const { user, system } = process.cpuUsage(cpu);
    return { perSecond: exchanges / seconds, cpuMicroseconds: (user + system) / exchanges };
  }

  async close(): Promise<void> {
    const closed = once(this.#ends, 'exit');
    this.#ends.disconnect();
    await closed;
  }
}

function throwError({ error }: BridgeEnd): void {
  if (error !== undefined) throw error;
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function accepted(server: Server, event: string): Promise<Socket> {
  const [socket] = (await once(server, event)) as [Socket];
  server.close();
  return socket.setNoDelay(true);
}
