import net, { type AddressInfo, type Socket } from 'node:net';
import type { StubConfig } from '../config/stubConfig.ts';
import { formatPortal } from '../iscsi/targetAddress.ts';
import type { StubCredentials } from '../tls/credentials.ts';
import { bridge } from '../transport/bridge.ts';
import { closeAfterFlush } from '../transport/closeAfterFlush.ts';
import { listen, stopListening } from '../transport/listen.ts';
import { Outflow } from '../transport/outflow.ts';
import { plainAddress } from '../transport/plainAddress.ts';
import { encodeProxyHeader, type ProxyHeader } from '../transport/proxyHeader.ts';
import { Announcement } from './announcement.ts';
import { STUB_BOUNDS, tooManyConnections, tooManyDials, type StubBounds } from './bounds.ts';
import { dialTunnel, type DialledTunnel } from './dialTunnel.ts';
import { untilAnswered } from './untilAnswered.ts';
import { WarmTunnels } from './warmTunnels.ts';

/** What the stub tells its log and its metrics. */
export type StubEvent =
  | {
      readonly kind: 'opened';
      readonly initiator: string;
      readonly gateway: string;
      /** It had been dialled ahead, and may turn out to be closed: `kept`, `reopened` or `unreachable` follows. */
      readonly wasWarm: boolean;
    }
  /** A tunnel that was dialled ahead stays its initiator's to the end: the gateway has answered, or one of the two has gone. */
  | { readonly kind: 'kept' }
  /** The gateway had closed a tunnel that was dialled ahead, so that its initiator got another one. */
  | { readonly kind: 'reopened'; readonly initiator: string; readonly gateway: string }
  | {
      readonly kind: 'closed';
      readonly initiator: string;
      readonly gateway: string;
      /** Bytes that the gateway sent; none at all means that it refused the tunnel. */
      readonly received: number;
      readonly error?: Error;
    }
  | {
      readonly kind: 'unreachable';
      readonly initiator: string;
      /** The gateway had closed a tunnel that was dialled ahead. */
      readonly hadWarm: boolean;
      readonly error: Error;
    }
  /** One too many: it was closed. */
  | {
      readonly kind: 'refused';
      readonly initiator: string;
      /** As of `unreachable`. */
      readonly hadWarm: boolean;
      readonly detail: string;
    }
  /** A tunnel that was dialled ahead had waited for so long, and ended before its time. */
  | { readonly kind: 'cutShort'; readonly gateway: string; readonly seconds: number }
  /** No tunnel can be had, or kept, ahead: told again when the reason is of another kind; or, without an error, it can again. */
  | { readonly kind: 'warmth'; readonly error?: Error };

export interface StubSettings {
  readonly config: StubConfig;
  readonly credentials: StubCredentials;
}

export interface StubOptions extends StubSettings {
  readonly observe: (event: StubEvent) => void;
  /** Those of every stub, unless told. */
  readonly bounds?: StubBounds;
}

/** Of a connection that an initiator makes. */
export const SOCKET_OPTIONS = {
  pauseOnConnect: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: 30_000,
} as const;

const NOTHING = Buffer.alloc(0);

/** An initiator's connection. */
interface Client {
  readonly initiator: Socket;
  readonly header: ProxyHeader;
  /** For the log. */
  readonly name: string;
}

/**
 * The small end of the tunnel, beside the initiator: takes plain iSCSI on loopback, gives it a tunnel that was dialled ahead or dials
 * the first gateway that answers, sends one PROXY header and then moves bytes. It knows nothing of iSCSI. By itself it listens
 * (`start`); as one of several workers it is handed its connections (`warmUp`, `take`).
 */
export class Stub {
  readonly #observe: StubOptions['observe'];
  #settings: StubSettings;
  readonly #server: net.Server;
  readonly #bounds: StubBounds;
  readonly #sockets = new Set<Socket>();
  #tunnels = 0;
  /** For an initiator. */
  #dials = 0;
  #warm: WarmTunnels | undefined;

  constructor(options: StubOptions) {
    this.#observe = options.observe;
    this.#settings = options;
    this.#bounds = options.bounds ?? STUB_BOUNDS;
    this.#server = net.createServer(SOCKET_OPTIONS, (socket) => this.take(socket));
  }

  async start(): Promise<AddressInfo> {
    const address = await listen(this.#server, this.#settings.config.listen);
    this.warmUp();
    return address;
  }

  /** Has an initiator's connection from now on, whoever accepted it. */
  take(initiator: Socket): void {
    initiator.pause();
    this.#serve(initiator);
  }

  /** From the next connection on; where it listens stays. Tunnels that were dialled ahead are dialled anew. */
  use(settings: StubSettings): void {
    this.#settings = settings;
    this.warmUp();
  }

  get isListening(): boolean {
    return this.#server.listening;
  }

  /** Tunnels that are open. */
  get tunnels(): number {
    return this.#tunnels;
  }

  /** Tunnels that were dialled ahead and have no initiator yet. */
  get warm(): number {
    return this.#warm?.size ?? 0;
  }

  async stop(): Promise<void> {
    this.#warm?.stop();
    const stopped = stopListening(this.#server);
    for (const socket of this.#sockets) socket.destroy();
    await stopped;
  }

  /** Dials ahead, anew if it has before. */
  warmUp(): void {
    this.#warm?.stop();
    const settings = this.#settings;
    const { warmTunnels: count, gateways } = settings.config;
    this.#warm = new WarmTunnels({
      count,
      gateways,
      dial: (signal) => dialTunnel(settings, signal),
      onChange: (error) => this.#observe({ kind: 'warmth', ...(error && { error }) }),
      onCutShort: (portal, seconds) =>
        this.#observe({ kind: 'cutShort', gateway: formatPortal(portal), seconds }),
      told: this.#warm?.told,
    });
  }

  #serve(initiator: Socket): void {
    const header = this.#proxyHeader(initiator);
    const client = { initiator, header, name: formatPortal(header.source) };
    initiator.on('error', ignore);
    if (this.#sockets.size >= this.#bounds.connections)
      return this.#refuse(client, tooManyConnections(this.#bounds));
    this.#sockets.add(initiator);
    initiator.once('close', () => this.#sockets.delete(initiator));
    const tunnel = this.#warm?.take();
    if (tunnel === undefined) void this.#dialFor(client);
    else this.#give(client, tunnel);
  }

  /** @param said what the initiator has said already; undefined if it got no tunnel yet */
  async #dialFor(client: Client, said?: Buffer): Promise<void> {
    const { initiator, name } = client;
    if (this.#dials >= this.#bounds.dials)
      return this.#refuse(client, tooManyDials(this.#bounds), said !== undefined);
    const gone = new AbortController();
    const onClose = (): void => gone.abort();
    if (initiator.destroyed) onClose();
    initiator.once('close', onClose);
    try {
      const tunnel = await this.#dial(gone.signal);
      initiator.off('close', onClose);
      const gateway = formatPortal(tunnel.portal);
      if (said === undefined) this.#observe({ kind: 'opened', initiator: name, gateway, wasWarm: false });
      else this.#observe({ kind: 'reopened', initiator: name, gateway });
      const announcement = announce(client, tunnel);
      if (said !== undefined && said.length > 0) tunnel.connection.write(announcement.before(said));
      this.#tunnels++;
      this.#join(client, tunnel, announcement, NOTHING);
      initiator.resume();
    } catch (error) {
      initiator.destroy();
      const hadWarm = said !== undefined;
      this.#observe({ kind: 'unreachable', initiator: name, hadWarm, error: error as Error });
    }
  }

  async #dial(signal: AbortSignal): Promise<DialledTunnel> {
    this.#dials++;
    try {
      return await dialTunnel(this.#settings, signal);
    } finally {
      this.#dials--;
    }
  }

  #refuse({ initiator, name }: Client, detail: string, hadWarm = false): void {
    initiator.destroy();
    this.#observe({ kind: 'refused', initiator: name, hadWarm, detail });
  }

  /** One that was dialled ahead: it may have ended, and nobody has been told yet. */
  #give(client: Client, tunnel: DialledTunnel): void {
    const { initiator, name } = client;
    const { connection, portal } = tunnel;
    const gateway = formatPortal(portal);
    connection.on('error', ignore);
    this.#observe({ kind: 'opened', initiator: name, gateway, wasWarm: true });
    this.#tunnels++;
    const announcement = announce(client, tunnel);
    untilAnswered(initiator, connection, {
      say: (chunk) => void connection.write(announcement.before(chunk)),
      onJoined: (answer) => {
        if (answer.length > 0) this.#warm?.proven();
        this.#observe({ kind: 'kept' });
        this.#join(client, tunnel, announcement, answer);
      },
      onClosed: (said) => {
        announcement.cancel();
        this.#tunnels--;
        void this.#dialFor(client, said);
      },
      onEnd: (hasSpoken) => {
        announcement.cancel();
        this.#tunnels--;
        // It may have had enough of waiting: the others may lead nowhere either.
        if (hasSpoken) this.#warm?.renew();
        initiator.destroy();
        closeAfterFlush(connection);
        this.#observe({ kind: 'kept' });
        this.#observe({ kind: 'closed', initiator: name, gateway, received: 0 });
      },
    });
  }

  /** @param answer what the gateway has said already */
  #join(client: Client, tunnel: DialledTunnel, announcement: Announcement, answer: Buffer): void {
    const { initiator, name } = client;
    let received = 0;
    const [toInitiator, toGateway] = [new Outflow(initiator), new Outflow(tunnel.connection)];
    bridge(toInitiator, toGateway, {
      fromA: (chunk) => toGateway.write(announcement.before(chunk)),
      fromB: (chunk) => {
        received += chunk.length;
        toInitiator.write(chunk);
      },
      first: { a: NOTHING, b: answer },
      onEnd: ({ error }) => {
        announcement.cancel();
        this.#tunnels--;
        this.#observe({
          kind: 'closed',
          initiator: name,
          gateway: formatPortal(tunnel.portal),
          received,
          ...(error instanceof Error && { error }),
        });
      },
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

function announce({ header }: Client, { connection }: DialledTunnel): Announcement {
  return new Announcement(encodeProxyHeader(header), (bytes) => void connection.write(bytes));
}

/** For a socket whose `close` event says all that is needed. */
function ignore(): void {}
