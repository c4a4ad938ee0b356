import { randomBytes } from 'node:crypto';
import net, { type AddressInfo, type Socket } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import type { GatewayConfig, GatewayListener } from '../config/gatewayConfig.ts';
import { Failure } from '../failures.ts';
import { randomIsid } from '../initiator/isid.ts';
import { Challenges } from '../login/challenges.ts';
import { Policy } from '../policy/policy.ts';
import type { Observer } from '../telemetry/events.ts';
import { hungUp, tlsClientFailure } from '../tls/clientFailure.ts';
import type { GatewayCredentials } from '../tls/credentials.ts';
import { gatewayTlsOptions } from '../tls/gate.ts';
import { listen, stopListening } from '../transport/listen.ts';
import { plainAddress } from '../transport/plainAddress.ts';
import { Anteroom } from './anteroom.ts';
import { Backend } from './backend.ts';
import { Directory } from './directory.ts';
import { RefusalReport } from './refusalReport.ts';
import { SessionTable } from './sessionTable.ts';
import { Tunnel, type Arrival, type TunnelContext } from './tunnel.ts';

export interface GatewayOptions {
  readonly config: GatewayConfig;
  /** One for each listener of the configuration, in its order. */
  readonly credentials: readonly GatewayCredentials[];
  readonly observe: Observer;
}

/** Keep-alive finds initiators that went without a word; their sessions hold reservations. */
const SOCKET_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 } as const;

/** Connections in their handshake or login, by arrivalKey. */
type Arrivals = Map<string, Arrival & { readonly address: string; handshakeIsOver: boolean }>;

/** The listening side: TCP and TLS servers, the anteroom before authentication, one Tunnel for each connection. */
export class Gateway {
  readonly sessions = new SessionTable();
  readonly #options: GatewayOptions;
  readonly #anteroom: Anteroom;
  readonly #context: Omit<TunnelContext, 'advertise'>;
  readonly #refusals: RefusalReport;
  readonly #servers: net.Server[] = [];
  readonly #sockets = new Set<Socket>();

  constructor(options: GatewayOptions) {
    const { config, observe } = options;
    this.#options = options;
    this.#anteroom = new Anteroom(config.limits);
    this.#refusals = new RefusalReport(observe);
    const challenges = new Challenges(randomBytes);
    const policy = new Policy(config.initiators);
    const backends = config.backends.map((backend) => new Backend(backend, challenges));
    const timeoutMs = config.limits.discoverySeconds * 1000;
    this.#context = {
      policy,
      challenges,
      directory: new Directory({ backends, policy, timeoutMs, newIsid: randomIsid }),
      sessions: this.sessions,
      observe,
      loginTimeoutMs: config.limits.loginSeconds * 1000,
    };
  }

  /**
   * Starts every listener.
   *
   * @returns where each one listens
   * @throws the first listener's error; those that had started are closed again
   */
  async start(): Promise<AddressInfo[]> {
    const { config, credentials } = this.#options;
    try {
      return await Promise.all(config.listen.map((listener, i) => this.#listen(listener, credentials[i]!)));
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** True while every listener takes connections. */
  get isListening(): boolean {
    return (
      this.#servers.length === this.#options.config.listen.length && this.#servers.every((s) => s.listening)
    );
  }

  /** Connections that have not authenticated. */
  get unauthenticated(): number {
    return this.#anteroom.size;
  }

  /** Stops listening and ends every session and connection. */
  async stop(): Promise<void> {
    const stopped = this.#servers.map(stopListening);
    this.sessions.endAll(new Failure('shutting_down', 'the gateway stops'));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(stopped);
  }

  #listen(listener: GatewayListener, credentials: GatewayCredentials): Promise<AddressInfo> {
    const { advertise } = listener;
    const context: TunnelContext = advertise === undefined ? this.#context : { ...this.#context, advertise };
    const arrivals: Arrivals = new Map();
    // Listens to nothing itself: whom the anteroom refuses shall not cost a TLS connection, nor a second line in the log.
    const handshakes = tls.createServer({
      ...gatewayTlsOptions(credentials),
      handshakeTimeout: context.loginTimeoutMs,
    });
    handshakes.on('secureConnection', (socket) => this.#serve(socket, arrivals, context));
    handshakes.on('tlsClientError', (error, socket) => {
      const arrival = arrivals.get(arrivalKey(socket));
      socket.destroy(); // Node tells of a handshake that takes too long, and leaves it open
      if (arrival === undefined) return; // its close has told of it, or will: this socket forgot its address
      arrival.handshakeIsOver = true;
      const { address } = arrival;
      this.#options.observe({ kind: 'handshake', peer: { address }, failure: tlsClientFailure(error) });
    });
    const server = net.createServer(SOCKET_OPTIONS, (socket) => {
      if (this.#arrive(socket, arrivals)) handshakes.emit('connection', socket);
    });
    this.#servers.push(server);
    return listen(server, listener.address);
  }

  /** @returns false if there is no place for it */
  #arrive(socket: Socket, arrivals: Arrivals): boolean {
    const address = plainAddress(socket.remoteAddress ?? 'unknown');
    const key = arrivalKey(socket);
    try {
      const leave = this.#anteroom.enter(address);
      const arrival = { at: performance.now(), leave, address, handshakeIsOver: false };
      arrivals.set(key, arrival);
      this.#sockets.add(socket);
      socket.once('close', () => {
        leave();
        arrivals.delete(key);
        this.#sockets.delete(socket);
        if (arrival.handshakeIsOver) return;
        this.#options.observe({ kind: 'handshake', peer: { address }, failure: hungUp() });
      });
      return true;
    } catch (error) {
      socket.destroy();
      this.#refusals.add({ address }, Failure.from(error));
      return false;
    }
  }

  #serve(socket: TLSSocket, arrivals: Arrivals, context: TunnelContext): void {
    const arrival = arrivals.get(arrivalKey(socket));
    if (arrival === undefined) {
      socket.destroy(); // closed while its handshake was under way
      return;
    }
    arrival.handshakeIsOver = true;
    const peer = { address: arrival.address };
    void new Tunnel(socket, context, peer, arrival).run();
  }
}

/** A TLSSocket and the socket below it have the same addresses; Node shows no other way from one to the other. */
function arrivalKey(socket: Socket): string {
  return [socket.remoteAddress, socket.remotePort, socket.localAddress, socket.localPort].join(' ');
}
