import net, { type AddressInfo, type Socket } from 'node:net';
import { Failure } from '../failures.ts';
import type { Portal } from '../iscsi/targetAddress.ts';
import { listen, stopListening } from '../transport/listen.ts';
import { plainAddress } from '../transport/plainAddress.ts';
import type { Anteroom, Place } from './anteroom.ts';
import type { Plane } from './plane.ts';
import type { RefusedConnections } from './refusedConnections.ts';

/** Keep-alive finds initiators that went without a word; their sessions hold reservations. */
const SOCKET_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 } as const;

export interface ListenerOptions {
  /** By listenerKey. */
  readonly key: string;
  readonly address: Portal;
  /** Not a byte is read here: another process takes the connections. */
  readonly handsOver: boolean;
  readonly anteroom: Anteroom;
  readonly refusedConnections: RefusedConnections;
  /** Takes over a connection that has its place in the anteroom, as Plane.take. @throws Failure if that can't be */
  readonly take: Plane['take'];
}

/** One address at which tunnels arrive: TCP, and the anteroom before anything that costs more. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: net.Server;
  #isOpen = false;

  constructor(options: ListenerOptions) {
    this.#options = options;
    const { handsOver: pauseOnConnect } = options;
    this.#server = net.createServer({ ...SOCKET_OPTIONS, pauseOnConnect }, (socket) => {
      if (this.#isOpen) this.#arrive(socket);
      else socket.destroy();
    });
  }

  /**
   * Claims the address. Whoever comes before `open` is turned away: it is not certain yet that the gateway will listen here.
   *
   * @throws the server's error
   */
  start(): Promise<AddressInfo> {
    return listen(this.#server, this.#options.address);
  }

  open(): void {
    this.#isOpen = true;
  }

  get isListening(): boolean {
    return this.#server.listening;
  }

  /** Takes no more connections; resolves when those that there are have ended. */
  stopAccepting(): Promise<void> {
    return stopListening(this.#server);
  }

  #arrive(socket: Socket): void {
    const { key: listener, anteroom, refusedConnections, take } = this.#options;
    const address = plainAddress(socket.remoteAddress ?? 'unknown');
    let place: Place | undefined;
    const refuse = (failure: Failure): void => {
      place?.leave();
      socket.destroy();
      refusedConnections.add({ address }, failure);
    };
    try {
      place = anteroom.enter(address);
      take(socket, { listener, address, at: performance.now(), ...place }, refuse);
    } catch (error) {
      refuse(Failure.from(error));
    }
  }
}
