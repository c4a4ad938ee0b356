import type { Socket } from 'node:net';
import type { BackendConfig } from '../config/gatewayConfig.ts';
import type { MalformedRecords } from '../discovery/malformedRecords.ts';
import type { TargetRecord } from '../discovery/sendTargets.ts';
import { Failure } from '../failures.ts';
import { negotiate, passSecurity, Redirected, type Negotiated } from '../initiator/logIn.ts';
import { askForTargets, DISCOVERY_LIMITS } from '../initiator/sendTargets.ts';
import type { PduReaderLimits } from '../iscsi/pduReader.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import { formatPortal, type Portal } from '../iscsi/targetAddress.ts';
import type { TextPair } from '../iscsi/text.ts';
import type { Challenges } from '../login/challenges.ts';
import { InitiatorLogin, type InitiatorLoginOptions } from '../login/initiatorLogin.ts';
import { LOGIN_LIMITS } from '../login/loginLimits.ts';
import { deadlineIn } from '../transport/deadline.ts';
import { connectTcp, DialError, dialFirst } from '../transport/dial.ts';
import { PduConnection } from '../transport/pduConnection.ts';

const MAX_REDIRECTS = 5;
/** For how long after a failure the backend counts as down, so that discovery does not wait for it again. */
const DOWN_FOR_MS = 10_000;

/** A login that the array has let through its security stage; what is negotiated now passes between initiator and array. */
export interface BackendLeg {
  readonly socket: Socket;
  readonly portal: Portal;
  readonly login: InitiatorLogin;
  /** @param signal gives up and closes the leg when the initiator has gone or its time is over */
  negotiate(pairs: readonly TextPair[], transit: boolean, signal: AbortSignal): Promise<Negotiated>;
  /** Gives the socket back, with what was read beyond the login. */
  detach(): Buffer;
  close(): void;
}

type LoginNames = Omit<InitiatorLoginOptions, 'chap' | 'challenges'>;

interface OpenLogin {
  readonly socket: Socket;
  readonly connection: PduConnection;
  readonly login: InitiatorLogin;
  readonly portal: Portal;
}

/** What the last attempt to reach an array has shown. */
export interface BackendState {
  readonly name: string;
  /** True unless it failed, however long ago. */
  readonly isUp: boolean;
  /** Milliseconds since 1970; absent: there was none. */
  readonly triedAt?: number;
}

/** One array: its portals in order, CHAP toward it, its redirects followed here and never shown to anybody. */
export class Backend {
  readonly config: BackendConfig;
  readonly #challenges: Challenges;
  #downSince: number | undefined;
  #triedAt: number | undefined;

  constructor(config: BackendConfig, challenges: Challenges) {
    this.config = config;
    this.#challenges = challenges;
  }

  get name(): string {
    return this.config.name;
  }

  /** True if the last attempt failed, not long ago. */
  get isDown(): boolean {
    return this.#downSince !== undefined && Date.now() - this.#downSince < DOWN_FOR_MS;
  }

  /** True unless the last attempt failed, however long ago. */
  get isUp(): boolean {
    return this.#downSince === undefined;
  }

  get state(): BackendState {
    const triedAt = this.#triedAt;
    return { name: this.name, isUp: this.isUp, ...(triedAt !== undefined && { triedAt }) };
  }

  /** What was seen of this array before a reload. */
  inherit(before: Backend): void {
    this.#downSince = before.#downSince;
    this.#triedAt = before.#triedAt;
  }

  /** Takes down that it did not answer somebody who then gave up waiting. */
  noteDown(): void {
    this.#downSince = this.#triedAt = Date.now();
  }

  /**
   * Connects and passes the array's security stage.
   *
   * @param signal gives up when the initiator has gone or its time is over
   * @throws Failure with a `backend_…` reason, `target_not_found`, or the signal's reason
   */
  async open(names: LoginNames, signal: AbortSignal): Promise<BackendLeg> {
    const { socket, connection, login, portal } = await this.#login(names, LOGIN_LIMITS, signal);
    return {
      socket,
      portal,
      login,
      negotiate: (pairs, transit, untilAborted) =>
        this.#work(socket, untilAborted, () => negotiate(connection, login, pairs, transit)),
      detach: () => connection.detach(),
      close: () => socket.destroy(),
    };
  }

  /**
   * Asks the array for its targets in the initiator's own name, so that the array's own rules hold too.
   *
   * @param malformed hears of records that were left out
   */
  async discover(
    initiatorName: string,
    isid: Buffer,
    signal: AbortSignal,
    malformed: MalformedRecords,
  ): Promise<TargetRecord[]> {
    const names = {
      initiatorName,
      sessionType: 'Discovery',
      isid,
      cid: 1,
      initiatorTaskTag: 0,
      cmdSN: 1,
      chapIsOptional: true,
    } as const;
    const { socket, connection, login } = await this.#login(names, DISCOVERY_LIMITS, signal);
    try {
      return await this.#work(socket, signal, () => askForTargets(connection, login, names.cmdSN, malformed));
    } finally {
      socket.end(() => socket.destroy());
    }
  }

  async #login(names: LoginNames, limits: PduReaderLimits, signal: AbortSignal): Promise<OpenLogin> {
    let portals = this.config.portals;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      try {
        const opened = await this.#tryPortals(portals, names, limits, signal);
        this.#downSince = undefined;
        this.#triedAt = Date.now();
        return opened;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof Redirected)) {
          const failure = this.#failure(error);
          if (failure.reason === 'backend_down') this.noteDown();
          throw failure;
        }
        portals = [this.#allowed(error.address)];
      }
    }
    throw this.#failure(new Failure('backend_redirect', `more than ${MAX_REDIRECTS} redirects in a row`));
  }

  /** The first portal that both takes the connection and answers the login. */
  async #tryPortals(
    portals: readonly Portal[],
    names: LoginNames,
    limits: PduReaderLimits,
    signal: AbortSignal,
  ): Promise<OpenLogin> {
    let unanswered: unknown;
    for (const candidate of portals) {
      try {
        return await this.#tryPortal(candidate, names, limits, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!isPortalDown(error)) throw error;
        unanswered = error;
      }
    }
    throw unanswered;
  }

  async #tryPortal(
    candidate: Portal,
    names: LoginNames,
    limits: PduReaderLimits,
    signal: AbortSignal,
  ): Promise<OpenLogin> {
    const { chap, connectTimeoutSeconds } = this.config;
    const { connection: socket, portal } = await dialFirst(
      [candidate],
      connectTimeoutSeconds * 1000,
      connectTcp,
      signal,
    );
    const connection = PduConnection.over(socket, limits);
    const login = new InitiatorLogin({ ...names, challenges: this.#challenges, ...(chap && { chap }) });
    const { signal: deadline, clear } = deadlineIn(connectTimeoutSeconds * 1000, signal);
    const giveUp = (): void => void socket.destroy();
    deadline.addEventListener('abort', giveUp);
    try {
      await passSecurity(connection, login);
      return { socket, connection, login, portal };
    } catch (error) {
      socket.destroy();
      if (!deadline.aborted) throw error;
      throw new Failure(
        'backend_down',
        `${formatPortal(portal)} does not answer the login within ${connectTimeoutSeconds} s`,
      );
    } finally {
      deadline.removeEventListener('abort', giveUp);
      clear();
    }
  }

  #allowed(address: Portal): Portal {
    const { redirectsTo, portals } = this.config;
    const isConfigured = portals.some(({ host, port }) => host === address.host && port === address.port);
    if (isConfigured || redirectsTo?.contains(address.host) === true) return address;
    throw this.#failure(
      new Failure(
        'backend_redirect',
        `the array redirects to ${formatPortal(address)}, which "redirectsTo" (${this.config.location}) does not allow`,
      ),
    );
  }

  /**
   * Work on an open leg; an abort closes it, and says nothing about the array. Nor does a failure: an initiator may have negotiated
   * what the array hangs up over, and that is not to cut short the others' discovery.
   */
  async #work<T>(socket: Socket, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const giveUp = (): void => void socket.destroy();
    signal.addEventListener('abort', giveUp);
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      throw this.#failure(error);
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  /** Any error of this leg as a Failure that names the backend. */
  #failure(error: unknown): Failure {
    const failure = asFailure(error);
    if (failure.message.startsWith(`backend ${this.name}: `)) return failure;
    const wire = failure.wire === 'close' ? {} : { wire: failure.wire };
    return new Failure(failure.reason, `backend ${this.name}: ${failure.message}`, { ...wire, cause: error });
  }
}

/** Another portal may do better: this one can't be reached, hangs up, or says itself that it is out of service (03xx). */
function isPortalDown(error: unknown): boolean {
  return asFailure(error).reason === 'backend_down';
}

function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof ProtocolError) {
    return new Failure('backend_protocol', `${error.code}: ${error.message}`, { cause: error });
  }
  if (error instanceof Redirected) {
    return new Failure(
      'backend_redirect',
      `${error.message} only after its security stage, which is not followed`,
    );
  }
  const isSocketError = error instanceof DialError || (error as NodeJS.ErrnoException)?.code !== undefined;
  if (isSocketError) return new Failure('backend_down', (error as Error).message, { cause: error });
  return Failure.from(error);
}
