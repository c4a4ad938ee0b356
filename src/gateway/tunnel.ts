import { randomInt } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { Ledger } from '../accounting/ledger.ts';
import { Failure } from '../failures.ts';
import { formatPortal, type Portal, type TargetAddress } from '../iscsi/targetAddress.ts';
import type { Challenges } from '../login/challenges.ts';
import { LOGIN_LIMITS } from '../login/loginLimits.ts';
import { describeRule } from '../policy/rules.ts';
import type { CertificateIdentity } from '../policy/subject.ts';
import { describeDenied } from '../relay/access.ts';
import type { Observer, Peer } from '../telemetry/events.ts';
import { admitTls } from '../tls/gate.ts';
import { endOfChain, peerChain } from '../tls/peerChain.ts';
import { ChunkReader } from '../transport/chunkReader.ts';
import { closeAfterFlush } from '../transport/closeAfterFlush.ts';
import { PduConnection } from '../transport/pduConnection.ts';
import { plainAddress } from '../transport/plainAddress.ts';
import { readPreamble } from '../transport/preamble.ts';
import type { ProxyHeader } from '../transport/proxyHeader.ts';
import { DiscoveryExchange, type Admitted } from './discoveryExchange.ts';
import type { Doorkeeper } from './guards.ts';
import type { InForce, Origin } from './inForce.ts';
import { LoginExchange, PORTAL_GROUP_TAG, type LoginOutcome } from './loginExchange.ts';
import { Session } from './session.ts';
import type { SessionTable } from './sessionTable.ts';

/** A discovery session that asks nothing more is over. */
const DISCOVERY_IDLE_MS = 60_000;

export interface TunnelContext {
  /** Where it came in, by the key under which InForce knows it. */
  readonly listener: string;
  readonly inForce: () => InForce;
  readonly challenges: Challenges;
  readonly guards: Doorkeeper;
  readonly sessions: SessionTable;
  readonly ledger: Ledger;
  readonly observe: Observer;
}

/** A connection from the moment TCP accepted it. */
export interface Arrival {
  /** By `performance.now()`. */
  readonly at: number;
  readonly address: string;
  /** What held at that moment; its handshake and its login go by it. */
  readonly inForce: InForce;
  /** Gives its place before authentication free. */
  readonly leave: () => void;
}

/**
 * One tunnel from its TLS handshake to its end: gate, PROXY header, login, session. Whatever happens is told to the observer once.
 */
export class Tunnel {
  readonly #socket: TLSSocket;
  readonly #context: TunnelContext;
  readonly #arrival: Arrival;
  #peer: Peer;

  constructor(socket: TLSSocket, context: TunnelContext, arrival: Arrival) {
    this.#socket = socket;
    this.#context = context;
    this.#arrival = arrival;
    this.#peer = { address: arrival.address };
  }

  /** Never rejects: a tunnel's end is nobody else's affair. */
  async run(): Promise<void> {
    this.#socket.on('error', () => {}); // its readers hear of it; between two of them nobody may
    try {
      const certificate = this.#gate();
      if (certificate !== undefined) await this.#serve(certificate);
    } catch (error) {
      this.#context.observe({ kind: 'login', peer: this.#peer, failure: Failure.from(error) });
    } finally {
      closeAfterFlush(this.#socket);
    }
  }

  #gate(): CertificateIdentity | undefined {
    try {
      const certificate = admitTls(this.#socket);
      const { sha256, serial } = certificate;
      this.#peer = { ...this.#peer, certificate: shortName(certificate), sha256, serial };
      this.#context.observe({ kind: 'handshake', peer: this.#peer });
      return certificate;
    } catch (error) {
      this.#socket.destroy();
      this.#context.observe({ kind: 'handshake', peer: this.#peer, failure: Failure.from(error) });
      return undefined;
    }
  }

  async #serve(certificate: CertificateIdentity): Promise<void> {
    const deadline = this.#deadline();
    const chunks = new ChunkReader(this.#socket);
    const connection = new PduConnection(chunks, LOGIN_LIMITS);
    const peer = { certificate, address: this.#peer.address };
    const { guards, challenges } = this.#context;
    const context = { inForce: this.#context.inForce, origin: this.#origin(), guards, challenges };
    const exchange = new LoginExchange(connection, context, peer, randomInt(2 ** 32), deadline.signal);
    try {
      const shown = this.#shownAt(await readPreamble(chunks));
      const outcome = await exchange.run();
      this.#arrival.leave();
      deadline.clear();
      if (outcome.kind === 'Normal') await this.#relay(outcome, exchange, connection, shown);
      else await this.#discovery(outcome, exchange, connection, shown);
    } catch (error) {
      const failure = Failure.from(deadline.signal.aborted ? deadline.signal.reason : error);
      // Before the socket goes, the initiator is told why, where RFC 7143 lets us.
      const refusal = exchange.login.refusal(failure);
      closeAfterFlush(this.#socket, refusal);
      this.#report(exchange, { failure: refusal === undefined ? untold(failure) : failure });
    } finally {
      deadline.clear();
      exchange.trace.entrance?.leave();
    }
  }

  async #relay(
    outcome: Extract<LoginOutcome, { kind: 'Normal' }>,
    exchange: LoginExchange,
    connection: PduConnection,
    shown: TargetAddress,
  ): Promise<void> {
    const { sessions, ledger, observe } = this.#context;
    const entrance = exchange.trace.entrance!;
    const { id } = entrance;
    const record = { name: outcome.login.identity.targetNameAsSent!, addresses: [shown] };
    const peer = this.#report(exchange, { session: id, portal: formatPortal(outcome.leg.portal) });
    const { target } = outcome.authorization;
    const session = new Session({
      id,
      peer,
      origin: this.#origin(),
      initiator: this.#socket,
      outcome,
      record,
      ledger,
      onNotable: ({ rule, location, ...notable }, suppressed) =>
        observe({
          kind: 'notable',
          peer,
          session: id,
          target,
          rule: `${rule} at ${location}`,
          ...notable,
          suppressed,
        }),
      onDenied: (denied, suppressed) => {
        const { kind: denial, enforced, rule, location, command, taskFunction, lun } = denied;
        observe({
          kind: 'denied',
          peer,
          session: id,
          target,
          rule: `${rule} at ${location}`,
          denial,
          enforced,
          what: describeDenied(denied),
          ...(command !== undefined && { operationCode: command.operationCode }),
          ...(taskFunction !== undefined && { taskFunction }),
          ...(lun !== undefined && { lun }),
          suppressed,
        });
      },
    });
    // Who is not admitted any more takes nobody's place.
    const isAdmitted = !exchange.isOutdated || session.reconsider(this.#context.inForce(), 0);
    if (isAdmitted) {
      sessions.add(session);
      await session.begin(entrance);
    }
    const end = await session.run(connection.detach());
    sessions.remove(session);
    const { denials, fromInitiator, fromTarget } = session.summary;
    const { suppressed } = session;
    const figures = { denials, suppressed, fromInitiator, fromTarget };
    observe({ kind: 'sessionEnded', peer, session: id, target, ...end, ...figures });
  }

  async #discovery(
    outcome: Extract<LoginOutcome, { kind: 'Discovery' }>,
    exchange: LoginExchange,
    connection: PduConnection,
    shown: TargetAddress,
  ): Promise<void> {
    const peer = this.#report(exchange, {});
    const { observe } = this.#context;
    const origin = this.#origin();
    const admitted = (): Admitted => {
      const inForce = this.#context.inForce();
      return { admission: inForce.readmit(outcome.login.admission, origin), directory: inForce.directory };
    };
    const discovery = new DiscoveryExchange(connection, outcome, admitted, shown);
    this.#socket.setTimeout(DISCOVERY_IDLE_MS, () => this.#socket.destroy());
    try {
      await discovery.run((discovered) => {
        const { records, missing, malformed } = discovered;
        observe({ kind: 'discovery', peer, shown: records.length, missing, malformed });
      });
    } catch (error) {
      observe({
        kind: 'discovery',
        peer,
        shown: 0,
        missing: [],
        malformed: [],
        failure: Failure.from(error),
      });
    }
  }

  #origin(): Origin {
    const socket = this.#socket;
    return { listener: this.#context.listener, chain: peerChain(socket), notAfter: endOfChain(socket) };
  }

  /** The login's one line; gives the peer with all that is known of it now. */
  #report(
    { trace, login }: LoginExchange,
    result: { session?: number; portal?: string; failure?: Failure },
  ): Peer {
    const { identity } = login;
    const peer: Peer = identity ? { ...this.#peer, initiatorName: identity.initiatorName } : this.#peer;
    const { admission, authorization, backend, entrance } = trace;
    if (entrance?.duplicateOf !== undefined) {
      const { address, certificate: sha256, serial } = entrance.duplicateOf;
      const isRefused = result.failure?.reason === 'duplicate_initiator';
      this.#context.observe({ kind: 'duplicate', peer, other: { address, sha256, serial }, isRefused });
    }
    this.#context.observe({
      kind: 'login',
      peer,
      ...(identity && { sessionType: identity.sessionType }),
      ...(identity?.targetName !== undefined && { target: identity.targetName }),
      ...(admission && { rule: describeRule(admission.rule, authorization?.access) }),
      ...(authorization?.shadowed !== undefined && { shadow: authorization.shadowed }),
      ...(backend && { backend: backend.name }),
      ...result,
    });
    return peer;
  }

  /** The address at which this initiator reaches the gateway: as its stub says, else as configured, else as the socket says. */
  #shownAt(header: ProxyHeader | undefined): TargetAddress {
    const portal: Portal =
      header !== undefined
        ? { host: header.authority ?? header.destination.host, port: header.destination.port }
        : (this.#advertised ?? {
            host: plainAddress(this.#socket.localAddress!),
            port: this.#socket.localPort!,
          });
    return { ...portal, portalGroupTag: PORTAL_GROUP_TAG };
  }

  get #advertised(): Portal | undefined {
    const { inForce } = this.#arrival;
    return inForce.listeners.get(this.#context.listener)?.listener.advertise;
  }

  /** The whole of it, from TCP's accept to full feature phase, has one time limit; a peer that leaves ends it too. */
  #deadline(): { signal: AbortSignal; clear: () => void } {
    const controller = new AbortController();
    const { loginTimeoutMs } = this.#arrival.inForce;
    const left = this.#arrival.at + loginTimeoutMs - performance.now();
    const timer = setTimeout(() => {
      controller.abort(
        new Failure('login_timeout', `the login was not done within ${loginTimeoutMs / 1000} s`),
      );
      this.#socket.destroy();
    }, left);
    const onClose = (): void =>
      controller.abort(new Failure('peer_closed', 'the initiator closed the connection during login'));
    this.#socket.once('close', onClose);
    const clear = (): void => {
      clearTimeout(timer);
      this.#socket.off('close', onClose);
    };
    return { signal: controller.signal, clear };
  }
}

/** The log says what the peer was told, and it was told nothing. */
function untold(failure: Failure): Failure {
  if (failure.wire === 'close') return failure;
  const { reason, message, cause = failure } = failure;
  return new Failure(reason, message, { wire: 'close', cause });
}

function shortName({ uri, dns, cn, sha256 }: CertificateIdentity): string {
  return uri[0] ?? dns[0] ?? cn ?? sha256;
}
