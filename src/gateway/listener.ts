import net, { type AddressInfo, type Socket } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { Failure } from '../failures.ts';
import type { Portal } from '../iscsi/targetAddress.ts';
import type { Observer } from '../telemetry/events.ts';
import { hungUp, tlsClientFailure } from '../tls/clientFailure.ts';
import type { GatewayCredentials } from '../tls/credentials.ts';
import { gatewayTlsOptions } from '../tls/gate.ts';
import { listen, stopListening } from '../transport/listen.ts';
import { plainAddress } from '../transport/plainAddress.ts';
import type { Anteroom } from './anteroom.ts';
import type { InForce } from './inForce.ts';
import type { RefusalReport } from './refusalReport.ts';
import type { Arrival } from './tunnel.ts';

/** Keep-alive finds initiators that went without a word; their sessions hold reservations. */
const SOCKET_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 } as const;

export interface ListenerOptions {
  readonly address: Portal;
  readonly anteroom: Anteroom;
  readonly refusals: RefusalReport;
  readonly observe: Observer;
  readonly inForce: () => InForce;
  /** Takes over a connection whose handshake is over. */
  readonly serve: (socket: TLSSocket, arrival: Arrival) => void;
}

/** Connections in their handshake or login, by arrivalKey. */
type Arrivals = Map<string, Arrival & { handshakeIsOver: boolean }>;

/** One address at which tunnels arrive: TCP, the anteroom before authentication, TLS. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: net.Server;
  readonly #arrivals: Arrivals = new Map();
  readonly #sockets = new Set<Socket>();
  #isOpen = false;
  /** Replaced as a whole on a reload; handshakes that have begun end with the one that they began with. */
  #handshakes: tls.Server;

  constructor(options: ListenerOptions, credentials: GatewayCredentials, loginTimeoutMs: number) {
    this.#options = options;
    this.#handshakes = this.#tlsServer(credentials, loginTimeoutMs);
    this.#server = net.createServer(SOCKET_OPTIONS, (socket) => {
      if (!this.#isOpen) socket.destroy();
      else if (this.#arrive(socket)) this.#handshakes.emit('connection', socket);
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

  /** From the next connection on. */
  use(credentials: GatewayCredentials, loginTimeoutMs: number): void {
    this.#handshakes = this.#tlsServer(credentials, loginTimeoutMs);
  }

  /** Takes no more connections; resolves when those that there are have ended. */
  stopAccepting(): Promise<void> {
    return stopListening(this.#server);
  }

  destroyConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Listens to nothing itself: whom the anteroom refuses shall not cost a TLS connection, nor a second line in the log. */
  #tlsServer(credentials: GatewayCredentials, handshakeTimeout: number): tls.Server {
    const server = tls.createServer({ ...gatewayTlsOptions(credentials), handshakeTimeout });
    server.on('secureConnection', (socket) => this.#serve(socket));
    server.on('tlsClientError', (error, socket) => {
      const arrival = this.#arrivals.get(arrivalKey(socket));
      socket.destroy(); // Node tells of a handshake that takes too long, and leaves it open
      if (arrival === undefined) return; // its close has told of it, or will: this socket forgot its address
      arrival.handshakeIsOver = true;
      const { address } = arrival;
      this.#options.observe({ kind: 'handshake', peer: { address }, failure: tlsClientFailure(error) });
    });
    return server;
  }

  /** @returns false if there is no place for it */
  #arrive(socket: Socket): boolean {
    const address = plainAddress(socket.remoteAddress ?? 'unknown');
    const key = arrivalKey(socket);
    try {
      const leave = this.#options.anteroom.enter(address);
      const arrival = {
        at: performance.now(),
        inForce: this.#options.inForce(),
        leave,
        address,
        handshakeIsOver: false,
      };
      this.#arrivals.set(key, arrival);
      this.#sockets.add(socket);
      socket.once('close', () => {
        leave();
        this.#arrivals.delete(key);
        this.#sockets.delete(socket);
        if (arrival.handshakeIsOver) return;
        this.#options.observe({ kind: 'handshake', peer: { address }, failure: hungUp() });
      });
      return true;
    } catch (error) {
      socket.destroy();
      this.#options.refusals.add({ address }, Failure.from(error));
      return false;
    }
  }

  #serve(socket: TLSSocket): void {
    const arrival = this.#arrivals.get(arrivalKey(socket));
    if (arrival === undefined) {
      socket.destroy(); // closed while its handshake was under way
      return;
    }
    arrival.handshakeIsOver = true;
    this.#options.serve(socket, arrival);
  }
}

/** A TLSSocket and the socket below it have the same addresses; Node shows no other way from one to the other. */
function arrivalKey(socket: Socket): string {
  return [socket.remoteAddress, socket.remotePort, socket.localAddress, socket.localPort].join(' ');
}
