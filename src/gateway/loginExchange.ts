import { Failure } from '../failures.ts';
import type { Challenges } from '../login/challenges.ts';
import { answerOffers, Negotiation, type NegotiatedParameters } from '../login/negotiation.ts';
import { PassThroughNegotiation } from '../login/passThrough.ts';
import {
  TargetLogin,
  type AuthenticatedLogin,
  type NegotiationAnswer,
  type NegotiationRequest,
} from '../login/targetLogin.ts';
import type { Admission, Authorization } from '../policy/policy.ts';
import type { CertificateIdentity } from '../policy/subject.ts';
import { deadlineIn, type Deadline } from '../transport/deadline.ts';
import type { PduConnection } from '../transport/pduConnection.ts';
import type { BackendLeg, Backend } from './backend.ts';
import type { Doorkeeper, Entrance } from './guards.ts';
import type { InForce, Origin } from './inForce.ts';

/** Every target is shown at one address, in one portal group; login says the same tag (RFC 7143 §13.9). */
export const PORTAL_GROUP_TAG = 1;

/** Which session a new login with the same names replaces (RFC 7143 §6.3.5). */
function nexusOf({ identity, opening }: AuthenticatedLogin<Admission>): string {
  return [identity.initiatorName, opening.isid.toString('hex'), identity.targetName].join(' ');
}

/** It only has to be non-zero: nobody can join a discovery session (RFC 7143 §11.13.3). */
const DISCOVERY_TSIH = 1;

/** Of the time for a login: an array that hangs must leave enough to tell the initiator to retry. */
const BACKEND_SHARE = 2 / 3;

export interface LoginContext {
  /** Asked at every step: a reload may come between two. */
  readonly inForce: () => InForce;
  readonly origin: Origin;
  readonly guards: Doorkeeper;
  readonly challenges: Challenges;
}

/** What is known of a login while it goes on; the log line is written from it, however the login ends. */
export interface LoginTrace {
  authorization?: Authorization;
  admission?: Admission;
  backend?: Backend;
  entrance?: Entrance;
}

export type LoginOutcome =
  | {
      readonly kind: 'Normal';
      readonly login: AuthenticatedLogin<Admission>;
      readonly authorization: Authorization;
      readonly backend: Backend;
      readonly leg: BackendLeg;
      readonly parameters: NegotiatedParameters;
      readonly statSN: number;
    }
  | {
      readonly kind: 'Discovery';
      readonly login: AuthenticatedLogin<Admission>;
      readonly parameters: NegotiatedParameters;
      readonly statSN: number;
    };

/**
 * Takes one initiator through its login. For a Normal session the array is opened, and has accepted us, before the initiator
 * is told that its security stage is passed: what can't be delivered is never accepted.
 */
export class LoginExchange {
  readonly trace: LoginTrace = {};
  /** What the initiator was admitted under. */
  #admittedUnder: InForce;
  readonly login: TargetLogin<Admission>;
  readonly #connection: PduConnection;
  readonly #context: LoginContext;
  readonly #signal: AbortSignal;
  #authenticated: AuthenticatedLogin<Admission> | undefined;
  #leg: BackendLeg | undefined;
  readonly #passThrough = new PassThroughNegotiation();
  readonly #ownNegotiation = new Negotiation();

  /**
   * @param peer what TLS says of the peer
   * @param initialStatSN number of the first response
   * @param signal aborts when the initiator has gone or its time is over
   */
  constructor(
    connection: PduConnection,
    context: LoginContext,
    peer: { certificate: CertificateIdentity; address: string },
    initialStatSN: number,
    signal: AbortSignal,
  ) {
    this.#connection = connection;
    this.#context = context;
    this.#admittedUnder = context.inForce();
    this.#signal = signal;
    this.login = new TargetLogin<Admission>({
      admit: ({ initiatorName }) => {
        const inForce = context.inForce();
        inForce.checkOrigin(context.origin);
        const admission = inForce.policy.admit({ ...peer, initiatorName });
        this.#admittedUnder = inForce;
        this.trace.admission = admission;
        const { chap } = admission.rule;
        return chap === undefined ? { admission } : { admission, chap };
      },
      challenges: context.challenges,
      targetPortalGroupTag: PORTAL_GROUP_TAG,
      initialStatSN,
    });
  }

  /** @throws whatever ended the login; the initiator has not been told yet */
  async run(): Promise<LoginOutcome> {
    try {
      return await this.#exchange();
    } catch (error) {
      this.#leg?.close();
      this.#signal.throwIfAborted();
      throw error;
    } finally {
      this.login.end();
    }
  }

  async #exchange(): Promise<LoginOutcome> {
    for (;;) {
      const pdu = await this.#connection.next();
      if (pdu === undefined)
        throw new Failure('peer_closed', 'the initiator closed the connection during login');
      let step = this.login.receive(pdu);
      if (step.kind === 'authenticated') {
        this.#authenticated = step.login;
        this.#confirm();
        await this.#enter(step.login);
        if (step.login.identity.sessionType === 'Normal') await this.#openBackend(step.login);
        step = this.login.proceed();
      }
      if (step.kind === 'send') {
        await this.#connection.write(step.response);
      } else if (step.kind === 'negotiate') {
        const answer = await this.#negotiate(step.request);
        const response = this.login.answer(answer);
        // Before the initiator is told: what was agreed on may turn out to be nothing that we can relay.
        const outcome = answer.transit ? this.#outcome() : undefined;
        if (outcome !== undefined) this.#confirm();
        await this.#connection.write(response);
        this.#signal.throwIfAborted();
        if (outcome !== undefined) return outcome;
      }
    }
  }

  /** There was a reload since policy was asked. */
  get isOutdated(): boolean {
    return this.#admittedUnder !== this.#context.inForce();
  }

  /** @throws the Failure with which the login would be refused if it began now */
  #confirm(): void {
    const { admission, authorization, backend } = this.trace;
    if (!this.isOutdated || admission === undefined) return;
    const { inForce, origin } = this.#context;
    inForce().confirm(admission, origin);
    if (authorization && backend) inForce().reconsider(authorization, backend.name, origin);
  }

  /** Asked only now: by a name alone nobody shall take another's places, or make it look suspicious. */
  async #enter(login: AuthenticatedLogin<Admission>): Promise<void> {
    const { admission, identity } = login;
    const { certificate, address, initiatorName } = admission.subject;
    const { cn, dns, uri, sha256, serial } = certificate;
    const names = JSON.stringify([cn, dns, uri]);
    const presence = { initiatorName, certificate: sha256, serial, names, address };
    const nexus = identity.sessionType === 'Normal' ? { nexus: nexusOf(login) } : {};
    const entrance = await this.#context.guards.enter({ ...presence, ...nexus }, admission.rule);
    this.trace.entrance = entrance;
    const { duplicateOf } = entrance;
    const { guards } = this.#admittedUnder.config;
    if (duplicateOf === undefined || guards.duplicateInitiators === 'report') return;
    throw new Failure(
      'duplicate_initiator',
      `${initiatorName} is there already, from ${duplicateOf.address} with the certificate of serial number ${duplicateOf.serial} (guards.duplicateInitiators)`,
    );
  }

  async #openBackend(login: AuthenticatedLogin<Admission>): Promise<void> {
    const { identity, admission, opening } = login;
    const { policy, directory } = this.#admittedUnder;
    const authorization = policy.authorize(admission, identity.targetName!);
    this.trace.authorization = authorization;
    const backend = await directory.locate(authorization, identity.initiatorNameAsSent);
    this.trace.backend = backend;
    this.#confirm();
    const { signal, clear } = this.#backendDeadline(backend);
    try {
      this.#leg = await backend.open(
        {
          initiatorName: identity.initiatorNameAsSent,
          sessionType: 'Normal',
          targetName: identity.targetNameAsSent!,
          isid: opening.isid,
          cid: opening.cid,
          initiatorTaskTag: opening.initiatorTaskTag,
          cmdSN: opening.cmdSN,
        },
        signal,
      );
    } catch (error) {
      if (error instanceof Failure && error.reason === 'target_not_found') {
        directory.forget(authorization, identity.initiatorNameAsSent);
      }
      throw error;
    } finally {
      clear();
    }
  }

  /** The login's signal, which also ends an array's attempt that takes too long, until it is cleared. */
  #backendDeadline(backend: Backend): Deadline {
    const milliseconds = this.#admittedUnder.loginTimeoutMs * BACKEND_SHARE;
    return deadlineIn(milliseconds, this.#signal, () => {
      backend.noteDown();
      const message = `backend ${backend.name}: no portal let us in within ${milliseconds / 1000} s`;
      return new Failure('backend_down', message);
    });
  }

  async #negotiate({ keys, transit }: NegotiationRequest): Promise<NegotiationAnswer> {
    const leg = this.#leg;
    if (leg === undefined) {
      const pairs = answerOffers(keys, new Map());
      this.#ownNegotiation.record('initiator', keys);
      this.#ownNegotiation.record('target', pairs);
      const { cmdSN } = this.#authenticated!.opening;
      return { pairs, transit, tsih: DISCOVERY_TSIH, expCmdSN: cmdSN, maxCmdSN: cmdSN };
    }
    const answer = await leg.negotiate(this.#passThrough.fromInitiator(keys), transit, this.#signal);
    return { ...answer, pairs: this.#passThrough.fromTarget(answer.keys) };
  }

  #outcome(): LoginOutcome {
    const login = this.#authenticated!;
    const statSN = this.login.nextStatSN;
    const { authorization, backend } = this.trace;
    if (this.#leg === undefined || authorization === undefined || backend === undefined) {
      return { kind: 'Discovery', login, parameters: this.#ownNegotiation.parameters, statSN };
    }
    const { parameters } = this.#passThrough;
    return { kind: 'Normal', login, authorization, backend, leg: this.#leg, parameters, statSN };
  }
}
