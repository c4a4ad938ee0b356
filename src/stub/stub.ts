import net, { type AddressInfo, type OnReadOpts, type Socket } from 'node:net';
import tls, { type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { StubConfig } from '../config/stubConfig.ts';
import { formatPortal, type Portal } from '../iscsi/targetAddress.ts';
import type { StubCredentials } from '../tls/credentials.ts';
import { askForLeafOnly, checkGateway, explainDialFailure, stubTlsOptions } from '../tls/dial.ts';
import { bridge } from '../transport/bridge.ts';
import { dialFirst, settle } from '../transport/dial.ts';
import { LentReads } from '../transport/lentReads.ts';
import { listen, stopListening } from '../transport/listen.ts';
import { Outflow } from '../transport/outflow.ts';
import { plainAddress } from '../transport/plainAddress.ts';
import { encodeProxyHeader, type ProxyHeader } from '../transport/proxyHeader.ts';

/** What the stub tells its log. */
export type StubEvent =
  | { readonly kind: 'opened'; readonly initiator: string; readonly gateway: string }
  | {
      readonly kind: 'closed';
      readonly initiator: string;
      readonly gateway: string;
      /** Bytes that the gateway sent; none at all means that it refused the tunnel. */
      readonly received: number;
      readonly error?: Error;
    }
  | { readonly kind: 'unreachable'; readonly initiator: string; readonly error: Error };

export interface StubSettings {
  readonly config: StubConfig;
  readonly credentials: StubCredentials;
}

export interface StubOptions extends StubSettings {
  readonly observe: (event: StubEvent) => void;
}

/** Of a connection that an initiator makes. */
export const SOCKET_OPTIONS = {
  pauseOnConnect: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: 30_000,
} as const;

const NOTHING = Buffer.alloc(0);

/**
 * The small end of the tunnel, beside the initiator: takes plain iSCSI on loopback, dials the first gateway that answers, sends
 * one PROXY header and then moves bytes. It knows nothing of iSCSI.
 */
export class Stub {
  readonly #observe: StubOptions['observe'];
  #settings: StubSettings;
  readonly #server: net.Server;
  readonly #sockets = new Set<Socket>();
  #tunnels = 0;

  constructor(options: StubOptions) {
    this.#observe = options.observe;
    this.#settings = options;
    this.#server = net.createServer(SOCKET_OPTIONS, (socket) => this.take(socket));
  }

  start(): Promise<AddressInfo> {
    return listen(this.#server, this.#settings.config.listen);
  }

  /** Has an initiator's connection from now on, whoever accepted it. */
  take(initiator: Socket): void {
    initiator.pause();
    void this.#serve(initiator);
  }

  /** From the next connection on; where it listens stays. */
  use(settings: StubSettings): void {
    this.#settings = settings;
  }

  get isListening(): boolean {
    return this.#server.listening;
  }

  /** Tunnels that are open. */
  get tunnels(): number {
    return this.#tunnels;
  }

  async stop(): Promise<void> {
    const stopped = stopListening(this.#server);
    for (const socket of this.#sockets) socket.destroy();
    await stopped;
  }

  async #serve(initiator: Socket): Promise<void> {
    const { config } = this.#settings;
    const observe = this.#observe;
    const header = this.#proxyHeader(initiator);
    const name = formatPortal(header.source);
    this.#sockets.add(initiator);
    const gone = new AbortController();
    const onClose = (): void => gone.abort();
    initiator.once('close', onClose);
    initiator.once('close', () => this.#sockets.delete(initiator));
    initiator.on('error', ignore);
    try {
      const { connection: tunnel, portal } = await dialFirst(
        config.gateways,
        config.connectTimeoutSeconds * 1000,
        (gateway, signal) => this.#connect(gateway, signal),
        gone.signal,
      );
      initiator.off('close', onClose);
      initiator.off('error', ignore);
      const gateway = formatPortal(portal);
      observe({ kind: 'opened', initiator: name, gateway });
      let ahead: Buffer | undefined = encodeProxyHeader(header);
      let received = 0;
      const [toInitiator, toGateway] = [new Outflow(initiator), new Outflow(tunnel)];
      bridge(toInitiator, toGateway, {
        fromA: (chunk) => {
          // The first bytes are here already, mostly: one record with them.
          toGateway.write(ahead === undefined ? chunk : Buffer.concat([ahead, chunk]));
          ahead = undefined;
        },
        fromB: (chunk) => {
          received += chunk.length;
          toInitiator.write(chunk);
        },
        first: { a: NOTHING, b: NOTHING },
        onEnd: ({ error }) => {
          this.#tunnels--;
          observe({
            kind: 'closed',
            initiator: name,
            gateway,
            received,
            ...(error instanceof Error && { error }),
          });
        },
      });
      this.#tunnels++;
      initiator.resume();
    } catch (error) {
      initiator.destroy();
      observe({ kind: 'unreachable', initiator: name, error: error as Error });
    }
  }

  #connect(gateway: Portal, signal: AbortSignal): Promise<TLSSocket> {
    const { config, credentials } = this.#settings;
    const { serverName } = config;
    return new Promise((resolve, reject) => {
      const reads = new LentReads();
      const options: ConnectionOptions & { onread: OnReadOpts } = {
        ...stubTlsOptions(credentials, { host: gateway.host, ...(serverName && { serverName }) }),
        host: gateway.host,
        port: gateway.port,
        onread: reads.onread,
      };
      const socket = tls.connect(options);
      reads.bind(socket);
      askForLeafOnly(socket);
      socket.setNoDelay(true);
      socket.setKeepAlive(true, 30_000);
      const check = (): void => {
        try {
          checkGateway(socket);
          resolve(socket);
        } catch (error) {
          socket.destroy();
          reject(error);
        }
      };
      settle(socket, 'secureConnect', signal, check, (error) => reject(explainDialFailure(error)));
    });
  }

  #proxyHeader(initiator: Socket): ProxyHeader {
    const source = { host: plainAddress(initiator.remoteAddress ?? '::'), port: initiator.remotePort ?? 0 };
    const dialled = { host: plainAddress(initiator.localAddress ?? '::'), port: initiator.localPort ?? 0 };
    const { advertise } = this.#settings.config;
    if (advertise === undefined) return { source, destination: dialled };
    if (net.isIP(advertise.host) > 0) return { source, destination: advertise };
    return { source, destination: { host: dialled.host, port: advertise.port }, authority: advertise.host };
  }
}

/** For a socket whose `close` event says all that is needed. */
function ignore(): void {}
