import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { bridge, type BridgeEnd } from '../src/transport/bridge.ts';
import { Outflow } from '../src/transport/outflow.ts';
import { TAGS, type Workload } from './workloads.ts';

/** What becomes of a chunk between the two sockets in the middle. */
export interface Transform {
  readonly fromInitiator: (chunk: Buffer) => void;
  readonly fromTarget: (chunk: Buffer) => void;
}

export type MakeTransform = (ends: {
  readonly toTarget: (view: Buffer) => void;
  readonly toInitiator: (view: Buffer) => void;
}) => Transform;

export interface Pace {
  /** Exchanges a second. */
  readonly perSecond: number;
  /** Of all three, the initiator, the middle and the target, for one exchange. */
  readonly cpuMicroseconds: number;
}

/**
 * An initiator, a gateway and a target over loopback TCP in this process. The two ends count bytes and send what is ready made, so
 * that the middle is as much of the work as it can be.
 */
export class Passage {
  readonly #workload: Workload;
  readonly #initiator: Socket;
  readonly #target: Socket;
  readonly #answered: () => number;

  private constructor(workload: Workload, initiator: Socket, target: Socket) {
    this.#workload = workload;
    this.#initiator = initiator;
    this.#target = target;
    const [request, response] = [workload.requests[0]!.length, workload.responses[0]!.length];
    answerEach(target, request, workload.responses);
    this.#answered = countEach(initiator, response);
  }

  static async open(workload: Workload, make: MakeTransform): Promise<Passage> {
    const [initiator, near] = await connected();
    const [far, target] = await connected();
    const [toInitiator, toTarget] = [new Outflow(near), new Outflow(far)];
    const { fromInitiator, fromTarget } = make({
      toTarget: (view) => toTarget.write(view),
      toInitiator: (view) => toInitiator.write(view),
    });
    const first = { a: Buffer.alloc(0), b: Buffer.alloc(0) };
    bridge(toInitiator, toTarget, { fromA: fromInitiator, fromB: fromTarget, first, onEnd: throwError });
    return new Passage(workload, initiator, target);
  }

  /**
   * Keeps the workload's depth of commands under way.
   *
   * @returns what it came to
   */
  async run(milliseconds: number): Promise<Pace> {
    const { depth, requests } = this.#workload;
    const before = this.#answered();
    let sent = before;
    const top = (): void => {
      this.#initiator.cork();
      for (; sent < this.#answered() + depth; sent++) this.#initiator.write(requests[sent % TAGS]!);
      this.#initiator.uncork();
    };
    const start = performance.now();
    const cpu = process.cpuUsage();
    top();
    while (performance.now() - start < milliseconds) {
      await once(this.#initiator, 'data');
      top();
    }
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    const exchanges = this.#answered() - before;
    while (this.#answered() < sent) await once(this.#initiator, 'data');
    return { perSecond: exchanges / seconds, cpuMicroseconds: (user + system) / exchanges };
  }

  close(): void {
    this.#initiator.end();
    this.#target.end();
  }
}

function throwError({ error }: BridgeEnd): void {
  if (error !== undefined) throw error;
}

async function connected(): Promise<[Socket, Socket]> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [[accepted]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
    [Socket],
    unknown,
  ];
  server.close();
  for (const socket of [client, accepted]) socket.setNoDelay(true);
  return [client, accepted];
}

function answerEach(socket: Socket, length: number, responses: readonly Buffer[]): void {
  let bytes = 0;
  let answered = 0;
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    socket.cork();
    for (; (answered + 1) * length <= bytes; answered++) socket.write(responses[answered % TAGS]!);
    socket.uncork();
  });
}

function countEach(socket: Socket, length: number): () => number {
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => void (bytes += chunk.length));
  return () => Math.floor(bytes / length);
}
