import type { Socket } from 'node:net';
import { packStubCredentials } from '../../tls/packedCredentials.ts';
import { Channel } from '../../workers/channel.ts';
import type { Member, WorkerProcess } from '../../workers/supervisor.ts';
import type { StubOptions, StubSettings } from '../stub.ts';
import { toControl, toWorker, type PackedSettings, type ReportedFigures } from './protocol.ts';

const SETTINGS_MS = 20_000;
const ANSWER_MS = 20_000;
const STOP_MS = 5_000;

/** One worker as control has it. */
export class WorkerMember implements Member {
  readonly #channel: Channel<typeof toControl, typeof toWorker>;
  readonly #settings: () => StubSettings;
  readonly #connections = new Set<number>();
  #nextConnection = 1;
  #had = 0;
  #latest: ReportedFigures | undefined;

  constructor(
    { link }: WorkerProcess,
    endIt: (why: string) => void,
    settings: () => StubSettings,
    observe: StubOptions['observe'],
  ) {
    this.#settings = settings;
    this.#channel = new Channel(link, {
      asks: toWorker,
      answers: toControl,
      handlers: {
        ended: ({ connection }) => void this.#connections.delete(connection),
        event: observe,
      },
      onBroken: (error) => endIt(error.message),
    });
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** How many it took with it when it was lost. */
  get had(): number {
    return this.#had;
  }

  /** The last that is known. */
  get latest(): ReportedFigures | undefined {
    return this.#latest;
  }

  async start(): Promise<void> {
    await this.#channel.ask('start', { settings: pack(this.#settings()) }, SETTINGS_MS);
    await this.ping();
  }

  async ping(): Promise<void> {
    this.#latest = await this.#channel.ask('figures', undefined, ANSWER_MS);
  }

  take(socket: Socket): void {
    const connection = this.#nextConnection++;
    this.#connections.add(connection);
    this.#channel.tell('take', { connection }, socket);
  }

  use(settings: StubSettings): Promise<void> {
    return this.#channel.ask('use', { settings: pack(settings) }, SETTINGS_MS);
  }

  stop(): Promise<void> {
    return this.#channel.ask('stop', undefined, STOP_MS);
  }

  lost(): void {
    this.#had = this.#connections.size;
    this.#connections.clear();
  }
}

const pack = ({ config, credentials }: StubSettings): PackedSettings => ({
  config,
  credentials: packStubCredentials(credentials),
});
