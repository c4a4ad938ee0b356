import type { Socket } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import type { Observer } from '../telemetry/events.ts';
import { hungUp, tlsClientFailure } from '../tls/clientFailure.ts';
import type { GatewayCredentials } from '../tls/credentials.ts';
import { gatewayTlsOptions } from '../tls/gate.ts';
import type { Accepted } from './plane.ts';
import type { InForce } from './inForce.ts';
import type { Arrival } from './tunnel.ts';

export interface HandshakesOptions {
  readonly observe: Observer;
  readonly inForce: () => InForce;
  /** Takes over a connection whose handshake is over. */
  readonly serve: (socket: TLSSocket, arrival: Arrival) => void;
}

/** Connections in their handshake or login, by arrivalKey. */
type Arrivals = Map<string, Arrival & { handshakeIsOver: boolean }>;

/** TLS for the connections of one listener, wherever they were accepted. */
export class Handshakes {
  readonly #options: HandshakesOptions;
  readonly #arrivals: Arrivals = new Map();
  readonly #sockets = new Set<Socket>();
  /** Replaced as a whole on a reload; handshakes that have begun end with the one that they began with. */
  #server: tls.Server;

  constructor(options: HandshakesOptions, credentials: GatewayCredentials, loginTimeoutMs: number) {
    this.#options = options;
    this.#server = this.#tlsServer(credentials, loginTimeoutMs);
  }

  /** From the next connection on. */
  use(credentials: GatewayCredentials, loginTimeoutMs: number): void {
    this.#server = this.#tlsServer(credentials, loginTimeoutMs);
  }

  begin(socket: Socket, { at, address, leave, wait }: Accepted): void {
    const key = arrivalKey(socket);
    const inForce = this.#options.inForce();
    const arrival = { at, inForce, leave, wait, address, handshakeIsOver: false };
    this.#arrivals.set(key, arrival);
    this.#sockets.add(socket);
    socket.once('close', () => {
      leave();
      this.#arrivals.delete(key);
      this.#sockets.delete(socket);
      if (arrival.handshakeIsOver) return;
      this.#options.observe({ kind: 'handshake', peer: { address }, failure: hungUp() });
    });
    this.#server.emit('connection', socket);
  }

  destroyConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** How many there are, in handshake, login or session. */
  get size(): number {
    return this.#sockets.size;
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
