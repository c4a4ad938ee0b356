import net, { type AddressInfo, type Socket } from 'node:net';
import { formatPortal } from '../../iscsi/targetAddress.ts';
import { LineLimit } from '../../telemetry/lineLimit.ts';
import type { WorkerFigures } from '../../telemetry/workerFigures.ts';
import { listen, stopListening } from '../../transport/listen.ts';
import { plainAddress } from '../../transport/plainAddress.ts';
import { Supervisor, type Launch } from '../../workers/supervisor.ts';
import { STUB_BOUNDS, tooManyConnections } from '../bounds.ts';
import { SOCKET_OPTIONS, type StubOptions, type StubSettings } from '../stub.ts';
import { troubleOf, type Trouble } from '../trouble.ts';
import { StubWorker } from './stubWorker.ts';

export interface StubWorkersOptions extends StubOptions {
  readonly count: number;
  readonly launch: Launch;
  readonly onWorkerStarted: (worker: { readonly worker: number; readonly pid: number }) => void;
  readonly onWorkerLost: (loss: WorkerLoss) => void;
  readonly onNotTaken: (connection: NotTaken) => void;
}

/** A connection that its worker did not take, and that is closed: one a second is told of. */
export interface NotTaken {
  /** `10.0.0.7:40312` */
  readonly initiator: string;
  readonly detail: string;
  /** How many like it were left out before this one. */
  readonly suppressed: number;
}

export interface WorkerLoss {
  readonly worker: number;
  readonly pid: number;
  readonly how: string;
  readonly connections: number;
  readonly restartSeconds: number;
}

/** A stub whose connections are spread over workers: it accepts them, and each is wholly one worker's. */
export class StubWorkers {
  readonly #supervisor: Supervisor<StubWorker>;
  readonly #server: net.Server;
  #settings: StubSettings;
  /** Workers that can dial none ahead. */
  readonly #cold = new Set<number>();
  /** What was told of them last. */
  #told: Trouble | undefined;

  readonly #toldNotTaken = new LineLimit(1);

  constructor(options: StubWorkersOptions) {
    const { count, launch, observe, onWorkerStarted, onWorkerLost, onNotTaken, ...rest } = options;
    const { bounds = STUB_BOUNDS, ...settings } = rest;
    this.#settings = settings;
    this.#supervisor = new Supervisor<StubWorker>({
      count,
      launch,
      member: (process, number, endIt) =>
        new StubWorker(
          process,
          number,
          endIt,
          () => this.#settings,
          (event) => {
            if (event.kind !== 'warmth' || this.#isNews(number, event.error)) observe(event);
          },
        ),
      onRunning: ({ number, pid }) => onWorkerStarted({ worker: number, pid }),
      onLost: ({ number, pid, member }, { how, restartMs }) => {
        const restartSeconds = restartMs / 1000;
        onWorkerLost({ worker: number, pid, how, connections: member.had, restartSeconds });
        if (this.#isNews(number, undefined)) observe({ kind: 'warmth' });
      },
    });
    this.#server = net.createServer(SOCKET_OPTIONS, (socket) => {
      const worker = this.#supervisor.idlest;
      if (worker === undefined)
        socket.destroy(); // it tries again, and a worker is on its way
      else if (worker.connections >= bounds.connections) {
        const detail = tooManyConnections(bounds);
        observe({ kind: 'refused', initiator: nameOf(socket), hadWarm: false, detail });
        socket.destroy();
      } else this.#hand(socket, worker, onNotTaken);
    });
  }

  async start(): Promise<AddressInfo> {
    await this.#supervisor.start();
    try {
      return await listen(this.#server, this.#settings.config.listen);
    } catch (error) {
      await this.#supervisor.stop();
      throw error;
    }
  }

  /** From the next connection on; one that can't follow is ended, and the next in its place begins with what holds. */
  async use(settings: StubSettings): Promise<void> {
    this.#settings = settings;
    await this.#supervisor.each((worker) => worker.use(settings));
  }

  get isListening(): boolean {
    return this.#server.listening && this.#supervisor.running.length > 0;
  }

  /** Tunnels that are open, when they were last counted. */
  get tunnels(): number {
    return this.#supervisor.running.reduce((sum, { member }) => sum + (member.latest?.tunnels ?? 0), 0);
  }

  /** Tunnels without an initiator, likewise. Each worker keeps its own. */
  get warm(): number {
    return this.#supervisor.running.reduce((sum, { member }) => sum + (member.latest?.warm ?? 0), 0);
  }

  get workers(): readonly WorkerFigures[] {
    return this.#supervisor.costs;
  }

  /** How often a worker was lost. */
  get crashes(): number {
    return this.#supervisor.losses;
  }

  /** Counts anew. */
  async refresh(): Promise<void> {
    await this.#supervisor.each((worker) => worker.ping());
  }

  async stop(): Promise<void> {
    const stopped = stopListening(this.#server);
    await this.#supervisor.stop((worker) => worker.stop());
    await stopped;
  }

  #hand(socket: Socket, worker: StubWorker, onNotTaken: StubWorkersOptions['onNotTaken']): void {
    const initiator = nameOf(socket);
    worker.take(socket, ({ message: detail }) => {
      socket.destroy();
      const suppressed = this.#toldNotTaken.take();
      if (suppressed !== undefined) onNotTaken({ initiator, detail, suppressed });
    });
  }

  /** All have the same gateways: the first that can dial none ahead, or for another kind of reason, is told of, and when all can again. */
  #isNews(worker: number, error: Error | undefined): boolean {
    if (error === undefined) this.#cold.delete(worker);
    else this.#cold.add(worker);
    const trouble = error === undefined ? undefined : troubleOf(error);
    if (trouble === this.#told || (trouble === undefined && this.#cold.size > 0)) return false;
    this.#told = trouble;
    return true;
  }
}

function nameOf({ remoteAddress = '::', remotePort = 0 }: Socket): string {
  return formatPortal({ host: plainAddress(remoteAddress), port: remotePort });
}
