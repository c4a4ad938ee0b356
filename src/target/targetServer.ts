import { randomBytes, randomInt } from 'node:crypto';
import net, { type AddressInfo, type Socket } from 'node:net';
import { DiscoverySession } from '../discovery/discoverySession.ts';
import { Failure } from '../failures.ts';
import { MAX_AHS_LENGTH } from '../iscsi/bhs.ts';
import type { TargetAddress } from '../iscsi/targetAddress.ts';
import { Challenges } from '../login/challenges.ts';
import type { LoginIdentity } from '../login/loginIdentity.ts';
import { LOGIN_LIMITS } from '../login/loginLimits.ts';
import { answerOffers, Negotiation, type NegotiatedParameters } from '../login/negotiation.ts';
import {
  TargetLogin,
  type AuthenticatedLogin,
  type NegotiationAnswer,
  type NegotiationRequest,
} from '../login/targetLogin.ts';
import type { ChapRequirement } from '../policy/chapRequirement.ts';
import { closeAfterFlush } from '../transport/closeAfterFlush.ts';
import { listen, stopListening } from '../transport/listen.ts';
import { PduConnection } from '../transport/pduConnection.ts';
import { plainAddress } from '../transport/plainAddress.ts';
import type { DiskTarget } from './diskTarget.ts';
import { TargetSession } from './targetSession.ts';

const PORTAL_GROUP_TAG = 1;
const MAX_RECV_DATA_SEGMENT_LENGTH = 262144;
const LOGIN_TIMEOUT_MS = 15_000;
const MAX_CONNECTIONS = 256;
/** How long a connection may be silent before the kernel asks whether anybody is there. */
const KEEP_ALIVE_MS = 60_000;

/** What the target holds against an initiator's offers. */
const PREFERENCES = new Map([
  ['HeaderDigest', 'CRC32C,None'],
  ['DataDigest', 'CRC32C,None'],
  ['InitialR2T', 'No'],
  ['ImmediateData', 'Yes'],
  ['MaxBurstLength', '1048576'],
  ['FirstBurstLength', '262144'],
  ['MaxOutstandingR2T', '1'],
  ['DefaultTime2Retain', '0'],
]);

/** What the target tells its log. */
export type TargetEvent =
  | {
      readonly kind: 'login';
      readonly address: string;
      readonly identity?: LoginIdentity;
      readonly failure?: Failure;
    }
  | {
      readonly kind: 'ended';
      readonly address: string;
      readonly identity: LoginIdentity;
      readonly failure?: Failure;
    };

export interface TargetServerOptions {
  readonly host: string;
  readonly port: number;
  readonly target: DiskTarget;
  /** Absent: whoever can connect may use the target. */
  readonly chap?: ChapRequirement;
  /** From the connection to the end of the login; 15 s unless told. */
  readonly loginTimeoutMs?: number;
  /** Connections at a time, 256 unless told. */
  readonly maxConnections?: number;
  readonly observe: (event: TargetEvent) => void;
}

/** The embedded target's listener: plain iSCSI, for loopback or behind a gateway. */
export class TargetServer {
  readonly #options: TargetServerOptions;
  readonly #challenges = new Challenges(randomBytes);
  readonly #server: net.Server;
  readonly #sockets = new Set<Socket>();

  constructor(options: TargetServerOptions) {
    this.#options = options;
    this.#server = net.createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS },
      (socket) => void this.#serve(socket),
    );
    const { maxConnections = MAX_CONNECTIONS } = options;
    this.#server.maxConnections = maxConnections;
    this.#server.on('drop', (peer) => {
      const address = plainAddress(peer?.remoteAddress ?? 'unknown');
      const failure = new Failure(
        'too_many_connections',
        `there are ${maxConnections} connections, and no more are taken`,
      );
      options.observe({ kind: 'login', address, failure });
    });
  }

  start(): Promise<AddressInfo> {
    return listen(this.#server, this.#options);
  }

  /** Ends every connection, then flushes and closes the backing stores. */
  async stop(): Promise<void> {
    const stopped = stopListening(this.#server);
    for (const socket of this.#sockets) socket.destroy();
    await stopped;
    await this.#options.target.close();
  }

  async #serve(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {}); // its reader hears of it
    const { observe, target } = this.#options;
    const address = plainAddress(socket.remoteAddress ?? 'unknown');
    const reachedAt = {
      host: plainAddress(socket.localAddress ?? this.#options.host),
      port: socket.localPort ?? this.#options.port,
      portalGroupTag: PORTAL_GROUP_TAG,
    };
    const connection = PduConnection.over(socket, LOGIN_LIMITS);
    const login = this.#newLogin();
    let loggedIn: LoggedIn | undefined;
    const { loginTimeoutMs = LOGIN_TIMEOUT_MS } = this.#options;
    const late = new Failure('login_timeout', `the login was not done within ${loginTimeoutMs / 1000} s`);
    const timer = setTimeout(() => socket.destroy(late), loginTimeoutMs);
    try {
      loggedIn = await logIn(connection, login, target);
      clearTimeout(timer);
      observe({ kind: 'login', address, identity: loggedIn.login.identity });
      await this.#fullFeature(socket, connection, loggedIn, reachedAt);
      observe({ kind: 'ended', address, identity: loggedIn.login.identity });
      closeAfterFlush(socket);
    } catch (error) {
      const failure = Failure.from(error);
      const { identity } = login;
      if (loggedIn !== undefined)
        observe({ kind: 'ended', address, identity: loggedIn.login.identity, failure });
      else observe({ kind: 'login', address, failure, ...(identity && { identity }) });
      closeAfterFlush(socket, loggedIn === undefined ? login.refusal(failure) : undefined);
    } finally {
      clearTimeout(timer);
      login.end();
    }
  }

  #newLogin(): TargetLogin<object> {
    const { chap } = this.#options;
    return new TargetLogin<object>({
      admit: () => (chap === undefined ? { admission: {} } : { admission: {}, chap }),
      challenges: this.#challenges,
      targetPortalGroupTag: PORTAL_GROUP_TAG,
      initialStatSN: randomInt(2 ** 32),
    });
  }

  async #fullFeature(
    socket: Socket,
    connection: PduConnection,
    { login, parameters, statSN }: LoggedIn,
    address: TargetAddress,
  ): Promise<void> {
    const limits = { maxAhsLength: MAX_AHS_LENGTH, maxDataSegmentLength: MAX_RECV_DATA_SEGMENT_LENGTH };
    connection.configure({ digests: parameters.digests, limits });
    const { cmdSN, isid } = login.opening;
    const { identity } = login;
    const { target } = this.#options;
    if (identity.sessionType === 'Discovery') {
      const maxDataSegmentLength = parameters.maxRecvDataSegmentLength.initiator;
      return discover(
        connection,
        new DiscoverySession({ statSN, cmdSN, maxDataSegmentLength }),
        target,
        address,
      );
    }
    const session = new TargetSession({
      target,
      initiatorPort: `${identity.initiatorName},i,0x${isid.toString('hex')}`,
      parameters,
      statSN,
      cmdSN,
      address,
      send: (pdu) => connection.write(pdu),
      end: () => socket.destroy(),
    });
    try {
      await target.join(session);
      for (;;) {
        const pdu = await connection.next();
        if (pdu === undefined || !(await session.receive(pdu))) return;
      }
    } finally {
      session.abortTasks(() => true);
      target.leave(session);
    }
  }
}

interface LoggedIn {
  readonly login: AuthenticatedLogin<object>;
  readonly parameters: NegotiatedParameters;
  readonly statSN: number;
}

/** @throws Failure; ProtocolError; the socket's error */
async function logIn(
  connection: PduConnection,
  machine: TargetLogin<object>,
  target: DiskTarget,
): Promise<LoggedIn> {
  const negotiation = new Negotiation();
  let login: AuthenticatedLogin<object> | undefined;
  for (let isFirst = true; ;) {
    const pdu = await connection.next();
    if (pdu === undefined)
      throw new Failure('peer_closed', 'the initiator closed the connection during login');
    let step = machine.receive(pdu);
    if (step.kind === 'authenticated') {
      login = step.login;
      const { targetName } = login.identity;
      if (targetName !== undefined && targetName !== target.name) {
        throw new Failure('target_not_found', `${targetName} is not served here, ${target.name} is`);
      }
      step = machine.proceed();
    }
    if (step.kind === 'send') await connection.write(step.response);
    if (step.kind !== 'negotiate') continue;
    const { cmdSN } = login!.opening;
    const answer = negotiate(negotiation, step.request, cmdSN, isFirst);
    isFirst = false;
    await connection.write(machine.answer(answer));
    if (answer.transit)
      return { login: login!, parameters: negotiation.parameters, statSN: machine.nextStatSN };
  }
}

function negotiate(
  negotiation: Negotiation,
  { keys, transit }: NegotiationRequest,
  cmdSN: number,
  isFirst: boolean,
): NegotiationAnswer {
  const declaration = ['MaxRecvDataSegmentLength', String(MAX_RECV_DATA_SEGMENT_LENGTH)] as const;
  const pairs = [...answerOffers(keys, PREFERENCES), ...(isFirst ? [declaration] : [])];
  negotiation.record('initiator', keys);
  negotiation.record('target', pairs);
  const tsih = transit ? randomInt(1, 0x10000) : 0; // only in the final response (RFC 7143 §11.13.3)
  return { pairs, transit, tsih, expCmdSN: cmdSN, maxCmdSN: cmdSN };
}

async function discover(
  connection: PduConnection,
  session: DiscoverySession,
  target: DiskTarget,
  address: TargetAddress,
): Promise<void> {
  for (;;) {
    const pdu = await connection.next();
    if (pdu === undefined) return;
    const step = session.receive(pdu);
    if (step.kind === 'sendTargets') {
      const isAsked = step.name === undefined || step.name === target.name;
      await connection.write(session.answer(isAsked ? [target.record(address)] : []));
    } else if (step.kind !== 'nothing') {
      await connection.write(step.response);
      if (step.kind === 'logout') return;
    }
  }
}
