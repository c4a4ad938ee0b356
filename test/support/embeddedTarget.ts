import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { InitiatorSession } from '../../src/initiator/initiatorSession.ts';
import type { InitiatorOptions } from '../../src/initiator/newLogin.ts';
import type { BackingStore } from '../../src/target/backingStore.ts';
import { DiskTarget } from '../../src/target/diskTarget.ts';
import { LogicalUnit } from '../../src/target/logicalUnit.ts';
import { MemoryStore } from '../../src/target/memoryStore.ts';
import { TargetServer, type TargetEvent, type TargetServerOptions } from '../../src/target/targetServer.ts';
import { DB1, DISK1 } from './loginPdus.ts';

type Options = Pick<TargetServerOptions, 'chap' | 'loginTimeoutMs' | 'maxConnections'> & {
  readonly store?: BackingStore;
  readonly readOnly?: boolean;
};

/** An embedded target on loopback that serves DISK1 with one disk, LUN 0, until the test is over. */
export class EmbeddedTarget {
  readonly events: TargetEvent[] = [];
  readonly #server: TargetServer;
  readonly #sockets: Socket[] = [];
  #address: AddressInfo | undefined;
  #onEvent: (() => void)[] = [];
  #stopped: Promise<void> | undefined;

  private constructor({ store = new MemoryStore(64 * 1024 * 1024), readOnly = false, ...options }: Options) {
    const unit = new LogicalUnit({ lun: 0, store, serial: 'test', readOnly });
    this.#server = new TargetServer({
      host: '127.0.0.1',
      port: 0,
      ...options,
      target: new DiskTarget(DISK1, [unit]),
      observe: (event) => {
        this.events.push(event);
        for (const wake of this.#onEvent.splice(0)) wake();
      },
    });
  }

  static async start(options: Options = {}): Promise<EmbeddedTarget> {
    const target = new EmbeddedTarget(options);
    target.#address = await target.#server.start();
    onTestFinished(() => target.stop());
    return target;
  }

  get port(): number {
    return this.#address!.port;
  }

  stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#stopped ??= this.#server.stop();
    return this.#stopped;
  }

  async connect(): Promise<Socket> {
    const socket = net.connect({ host: '127.0.0.1', port: this.port, noDelay: true });
    this.#sockets.push(socket);
    socket.on('error', () => {}); // whoever reads hears of it
    await once(socket, 'connect');
    return socket;
  }

  /** A session of DB1 on DISK1 unless told. */
  async logIn(options: Partial<InitiatorOptions> = {}, targetName = DISK1): Promise<InitiatorSession> {
    return InitiatorSession.open(await this.connect(), targetName, { initiatorName: DB1, ...options });
  }

  /** The first event that matches; waits for it. */
  async event(matches: (event: TargetEvent) => boolean): Promise<TargetEvent> {
    for (;;) {
      const found = this.events.find(matches);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#onEvent.push(resolve));
    }
  }
}
