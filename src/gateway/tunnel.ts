import { randomInt } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { Ledger } from '../accounting/ledger.ts';
import { Failure } from '../failures.ts';
import { formatPortal, type Portal, type TargetAddress } from '../iscsi/targetAddress.ts';
import type { Challenges } from '../login/challenges.ts';
import { LOGIN_LIMITS } from '../login/loginLimits.ts';
import { describeRule } from '../policy/rules.ts';
import type { CertificateIdentity } from '../policy/subject.ts';
import type { Observer, Peer } from '../telemetry/events.ts';
import { ALPN } from '../tls/alpn.ts';
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
import { checkWaiting, type InForce, type Origin } from './inForce.ts';
import { loginDeadline } from './loginDeadline.ts';
import { LoginExchange, PORTAL_GROUP_TAG, type LoginOutcome } from './loginExchange.ts';
import type { Accepted } from './plane.ts';
import { Session } from './session.ts';
import { endOf, requestObservers } from './sessionEvents.ts';
import type { SessionTable } from './sessionTable.ts';
import type { WaitingTunnels } from './waitingTunnels.ts';

/** A discovery session that asks nothing more is over. */
const DISCOVERY_IDLE_MS = 60_000;
/** A tunnel that has an initiator speaks sooner, on the longest line. */
const SILENCE_MS = 200;
const NO_PLACE = ': the tunnel had found no place to wait (limits.waiting, limits.waitingPerCertificate)';

export interface TunnelContext {
  /** Where it came in, by the key under which InForce knows it. */
  readonly listener: string;
  readonly inForce: () => InForce;
  readonly challenges: Challenges;
  readonly guards: Doorkeeper;
  readonly waiting: WaitingTunnels;
  readonly sessions: SessionTable;
  readonly ledger: Ledger;
  readonly observe: Observer;
}

/** A connection from the moment TCP accepted it, or from the first byte of one that has waited. */
export interface Arrival extends Omit<Accepted, 'listener'> {
  /** What held at that moment; its handshake and its login go by it. */
  readonly inForce: InForce;
}

/**
 * One tunnel from its TLS handshake to its end: gate, PROXY header, login, session. Whatever happens is told to the observer once.
 */
export class Tunnel {
  readonly #socket: TLSSocket;
  readonly #context: TunnelContext;
  #arrival: Arrival;
  #peer: Peer;
  /** It was to wait, and there was no place. */
  #wasTurnedAway = false;

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
    const chunks = new ChunkReader(this.#socket);
    const origin = this.#origin();
    if (!(await this.#isSpokenTo(chunks, origin, certificate.sha256))) return;
    const { at, inForce } = this.#arrival;
    const circumstance = this.#wasTurnedAway ? NO_PLACE : '';
    const deadline = loginDeadline(this.#socket, at, inForce.loginTimeoutMs, circumstance);
    const connection = new PduConnection(chunks, LOGIN_LIMITS);
    const peer = { certificate, address: this.#peer.address };
    const { guards, challenges } = this.#context;
    const context = { inForce: this.#context.inForce, origin, guards, challenges };
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

  /**
   * A stub of ours may dial ahead and have no initiator yet: its tunnel waits without a clock, and arrives for its login when it
   * speaks. Whoever else comes, and who finds no place to wait, has the time for a login since TCP accepted it.
   */
  async #isSpokenTo(chunks: ChunkReader, origin: Origin, sha256: string): Promise<boolean> {
    if (this.#socket.alpnProtocol !== ALPN) return true;
    const first = await chunks.comesFirst(SILENCE_MS);
    if (first === 'bytes') return true;
    this.#wasTurnedAway = first === 'nothing' && !(await this.#arrival.wait(sha256));
    if (this.#wasTurnedAway) return true;
    const { inForce, waiting, observe } = this.#context;
    try {
      const before = this.#arrival.inForce;
      checkWaiting(origin, inForce(), before); // a reload while it came has not seen it wait
      await waiting.firstWord(chunks, origin, inForce().config.limits.waitingSeconds);
      checkWaiting(origin, inForce(), before);
      this.#arrival = { ...this.#arrival, at: performance.now(), inForce: inForce() };
      return true;
    } catch (error) {
      observe({ kind: 'unused', peer: this.#peer, failure: Failure.from(error) });
      return false;
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
    const concerned = { peer, session: id, target: outcome.authorization.target };
    const session = new Session({
      id,
      peer,
      origin: this.#origin(),
      initiator: this.#socket,
      outcome,
      record,
      ledger,
      ...requestObservers(observe, concerned),
    });
    // Who is not admitted any more takes nobody's place.
    const isAdmitted = !exchange.isOutdated || session.reconsider(this.#context.inForce(), 0);
    if (isAdmitted) {
      sessions.add(session);
      await session.begin(entrance);
    }
    const end = await session.run(connection.detach());
    sessions.remove(session);
    observe(endOf(session, concerned, end));
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
