import type { Socket } from 'node:net';
import type { Failure } from '../../failures.ts';
import { packStubCredentials } from '../../tls/packedCredentials.ts';
import { Channel } from '../../workers/channel.ts';
import { HandedConnections } from '../../workers/handedConnections.ts';
import type { Member, WorkerProcess } from '../../workers/supervisor.ts';
import type { StubOptions, StubSettings } from '../stub.ts';
import { toControl, toWorker, type PackedStubSettings, type StubWorkerFigures } from './protocol.ts';

const SETTINGS_MS = 20_000;
const ANSWER_MS = 20_000;
const STOP_MS = 5_000;

/** One worker as control has it. */
export class StubWorker implements Member {
  readonly #channel: Channel<typeof toControl, typeof toWorker>;
  readonly #settings: () => StubSettings;
  readonly #connections: HandedConnections<undefined>;
  #had = 0;
  #latest: StubWorkerFigures | undefined;

  constructor(
    { link }: WorkerProcess,
    worker: number,
    endIt: (why: string) => void,
    settings: () => StubSettings,
    observe: StubOptions['observe'],
  ) {
    this.#settings = settings;
    this.#channel = new Channel(link, {
      asks: toWorker,
      answers: toControl,
      handlers: {
        ended: ({ connection }) => this.#connections.remove(connection),
        event: observe,
      },
      onBroken: (error) => endIt(error.message),
    });
    this.#connections = new HandedConnections({
      worker,
      drop: (connection) => this.#channel.ask('drop', { connection }, ANSWER_MS),
      isGone: () => this.#channel.isClosed,
    });
  }

  get connections(): number {
    return this.#connections.size;
  }

  get notTakenAt(): number | undefined {
    return this.#connections.notTakenAt;
  }

  /** How many it took with it when it was lost. */
  get had(): number {
    return this.#had;
  }

  /** The last that is known. */
  get latest(): StubWorkerFigures | undefined {
    return this.#latest;
  }

  get process(): StubWorkerFigures['process'] | undefined {
    return this.#latest?.process;
  }

  async start(): Promise<void> {
    await this.#channel.ask('start', { settings: pack(this.#settings()) }, SETTINGS_MS);
    await this.ping();
  }

  async ping(): Promise<void> {
    this.#latest = await this.#channel.ask('figures', undefined, ANSWER_MS);
  }

  /** Has the socket from now on. @param onRefused it was not taken: it is the caller's again */
  take(socket: Socket, onRefused: (failure: Failure) => void): void {
    this.#connections.hand(
      undefined,
      (connection, deadlineMs) => this.#channel.ask('take', { connection }, deadlineMs, socket),
      onRefused,
    );
  }

  use(settings: StubSettings): Promise<void> {
    return this.#channel.ask('use', { settings: pack(settings) }, SETTINGS_MS);
  }

  stop(): Promise<void> {
    return this.#channel.ask('stop', undefined, STOP_MS);
  }

  lost(): void {
    this.#had = this.#connections.clear().length;
  }
}

const pack = ({ config, credentials }: StubSettings): PackedStubSettings => ({
  config,
  credentials: packStubCredentials(credentials),
});
