import { Failure } from '../failures.ts';
import { opcodeAt } from '../iscsi/bhs.ts';
import { decodeBhs } from '../iscsi/layouts.ts';
import { Opcode } from '../iscsi/opcode.ts';
import { encodePdu, type Pdu } from '../iscsi/pdu.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import { serialAdd } from '../iscsi/serialArithmetic.ts';
import {
  encodeText,
  MAX_TEXT_LENGTH,
  parseKeys,
  TextAssembler,
  type TextKeys,
  type TextPair,
} from '../iscsi/text.ts';
import type { ChapRequirement } from '../policy/chapRequirement.ts';
import type { Challenges } from './challenges.ts';
import { ChapAuthenticator } from './chapAuthenticator.ts';
import { readIdentity, withoutIdentity, type LoginIdentity } from './loginIdentity.ts';
import { KEYS } from './keys.ts';
import { readLoginRequest, Stage, type LoginRequestFields } from './loginRequest.ts';
import { SecurityStage } from './securityStage.ts';
import { mergeKeys, partitionKeys } from './textKeys.ts';

/** More rounds than any initiator needs; libiscsi itself gives up after about ten. */
const MAX_REQUESTS = 32;
const MAX_PIECES = 16;

let prove: <A>(identity: LoginIdentity, admission: A, opening: LoginRequestFields) => AuthenticatedLogin<A>;

/** What TargetLogin itself has made: at run time a constructor is not private, and any object can be given a prototype. */
const genuine = new WeakSet<object>();

/** Proof that an initiator was admitted and passed the security stage. Only TargetLogin makes one. */
export class AuthenticatedLogin<A> {
  /** Makes the type nominal: an object of the same shape is no proof. */
  declare protected readonly isProof: true;
  readonly identity: LoginIdentity;
  /** What the `admit` that was handed in gave for this identity. */
  readonly admission: A;
  /** The login's first request: its ISID, CID, task tag and CmdSN go on to the array. */
  readonly opening: LoginRequestFields;

  private constructor(identity: LoginIdentity, admission: A, opening: LoginRequestFields) {
    this.identity = identity;
    this.admission = admission;
    this.opening = opening;
  }

  static {
    prove = (identity, admission, opening) => {
      const login = new AuthenticatedLogin(identity, admission, opening);
      genuine.add(login);
      return login;
    };
  }

  static isGenuine(value: object): boolean {
    return genuine.has(value);
  }
}

export interface TargetLoginOptions<A> {
  /** Policy's word on an identity; throws a Failure to deny. Without `chap` the security stage asks for nothing. */
  readonly admit: (identity: LoginIdentity) => { readonly admission: A; readonly chap?: ChapRequirement };
  readonly challenges: Challenges;
  /** Shown in the first response of a Normal session and in discovery: initiators compare the two. */
  readonly targetPortalGroupTag: number;
  /** Number of the first response. */
  readonly initialStatSN: number;
}

/** One message of operational negotiation, for whoever negotiates: an end point, or the array through the gateway. */
export interface NegotiationRequest {
  readonly keys: TextKeys;
  /** The initiator is ready for full feature phase. */
  readonly transit: boolean;
}

/** The negotiator's answer. */
export interface NegotiationAnswer {
  readonly pairs: readonly TextPair[];
  /** True only if the request said so too: login is over, full feature phase begins. */
  readonly transit: boolean;
  readonly tsih: number;
  readonly expCmdSN: number;
  readonly maxCmdSN: number;
}

export type TargetLoginStep<A> =
  /** Nothing to decide: send the response, if there is one, and read on. */
  | { readonly kind: 'send'; readonly response: Buffer }
  /** The security stage is passed. Call `proceed` when the login may go on. */
  | { readonly kind: 'authenticated'; readonly login: AuthenticatedLogin<A> }
  /** Call `answer`. */
  | { readonly kind: 'negotiate'; readonly request: NegotiationRequest };

/**
 * The target's side of a login (RFC 7143 §6), facing an initiator. Bytes in, a step out; it knows no socket and no clock.
 * Whatever it throws ends the login, and `refusal` says what the initiator is told.
 */
export class TargetLogin<A> {
  readonly #options: TargetLoginOptions<A>;
  readonly #text = new TextAssembler({ maxLength: MAX_TEXT_LENGTH, maxPieces: MAX_PIECES });
  #statSN: number;
  #requests = 0;
  #opening: LoginRequestFields | undefined;
  #latest: LoginRequestFields | undefined;
  /** The Login Request that a refusal answers, be it ever so broken. */
  #refusable: Buffer | undefined;
  #isOver = false;
  #stage: number | undefined;
  #identity: LoginIdentity | undefined;
  #login: AuthenticatedLogin<A> | undefined;
  #admission: A | undefined;
  #securityStage: SecurityStage | undefined;
  #sentPortalGroupTag = false;
  /** What goes on when `proceed` is called. */
  #held: (() => TargetLoginStep<A>) | undefined;
  /** Keys of the security stage that belong to the negotiation after it. */
  #early: TextKeys = new Map();
  /** Answer to a security message that is also the negotiation's (0 → 3). */
  #securityAnswer: readonly TextPair[] = [];

  constructor(options: TargetLoginOptions<A>) {
    this.#options = options;
    this.#statSN = options.initialStatSN;
  }

  /** What is known of the initiator so far, for the log. */
  get identity(): LoginIdentity | undefined {
    return this.#identity;
  }

  /** Number that the next PDU to the initiator carries. */
  get nextStatSN(): number {
    return this.#statSN;
  }

  /**
   * Takes the next PDU from the initiator.
   *
   * @throws Failure or ProtocolError
   */
  receive(pdu: Pdu): TargetLoginStep<A> {
    return this.#endingOnFailure(() => this.#receive(pdu));
  }

  /** Goes on after `authenticated`. */
  proceed(): TargetLoginStep<A> {
    const goOn = this.#held!;
    this.#held = undefined;
    return this.#endingOnFailure(goOn);
  }

  /** Answers a `negotiate` step. */
  answer(answer: NegotiationAnswer): Buffer {
    const pairs = [...this.#securityAnswer, ...answer.pairs];
    this.#securityAnswer = [];
    const transit = answer.transit && this.#latest!.transit;
    return this.#endingOnFailure(() => this.#response(pairs, transit, answer));
  }

  /**
   * The Login Response that tells the initiator of a failure.
   *
   * @returns undefined where none may be sent: the connection just closes
   */
  refusal(failure: Failure): Buffer | undefined {
    if (failure.wire === 'close' || this.#refusable === undefined) return undefined;
    const { currentStage, isid, tsih, initiatorTaskTag } = decodeBhs('loginRequest', this.#refusable);
    return encodePdu('loginResponse', { currentStage, isid, tsih, initiatorTaskTag, status: failure.wire });
  }

  /** To be called when the login is over, however it ended. */
  end(): void {
    this.#isOver = true;
  }

  /** A login that failed once has failed: nothing that comes later finds it half done. */
  #endingOnFailure<T>(work: () => T): T {
    if (this.#isOver) throw new ProtocolError('bad_sequence', 'the login is over');
    try {
      return work();
    } catch (error) {
      this.#isOver = true;
      throw error;
    }
  }

  #receive(pdu: Pdu): TargetLoginStep<A> {
    if (this.#held !== undefined)
      throw new ProtocolError('bad_sequence', 'a request before the answer to the last one');
    if (++this.#requests > MAX_REQUESTS) {
      throw new ProtocolError('too_many_pieces', `a login of more than ${MAX_REQUESTS} requests`);
    }
    if (opcodeAt(pdu.bhs, 0) === Opcode.loginRequest) this.#refusable = pdu.bhs;
    const request = readLoginRequest(pdu, this.#opening, this.#stage);
    this.#opening ??= request;
    this.#latest = request;
    this.#stage ??= request.currentStage;
    const message = this.#text.add(pdu.data, request.continues);
    if (message === undefined) return { kind: 'send', response: this.#response([], false) };
    return this.#message(parseKeys(message), request);
  }

  #message(keys: TextKeys, request: LoginRequestFields): TargetLoginStep<A> {
    if (this.#identity === undefined) this.#admit(keys);
    const rest = withoutIdentity(keys, this.#identity!);
    if (request.currentStage === Stage.security) return this.#security(rest, request);
    if (this.#securityStage!.isMissing) {
      throw new Failure('auth_method', 'the initiator skips the security stage, CHAP is required of it');
    }
    return this.#authenticated(() => this.#negotiate(rest, request.transit));
  }

  #admit(keys: TextKeys): void {
    this.#identity = readIdentity(keys);
    const { admission, chap } = this.#options.admit(this.#identity);
    this.#admission = admission;
    this.#securityStage = new SecurityStage(
      chap === undefined ? undefined : new ChapAuthenticator(chap, this.#options.challenges),
    );
  }

  #security(keys: TextKeys, request: LoginRequestFields): TargetLoginStep<A> {
    const [security, early] = partitionKeys(keys, (key) => KEYS.get(key)?.kind === 'security');
    this.#early = mergeKeys(this.#early, early);
    const answer = this.#securityStage!.answer(security);
    if (!this.#securityStage!.isPassed || !request.transit) {
      return { kind: 'send', response: this.#response(answer, false) };
    }
    return this.#authenticated(() => {
      if (request.nextStage === Stage.operational) {
        return { kind: 'send', response: this.#response(answer, true) };
      }
      this.#securityAnswer = answer;
      return this.#negotiate(new Map(), true);
    });
  }

  /** The first time, the caller hears of it and goes on with `proceed`. */
  #authenticated(goOn: () => TargetLoginStep<A>): TargetLoginStep<A> {
    if (this.#login !== undefined) return goOn();
    this.#login = prove(this.#identity!, this.#admission as A, this.#opening!);
    this.#held = goOn;
    return { kind: 'authenticated', login: this.#login };
  }

  #negotiate(keys: TextKeys, transit: boolean): TargetLoginStep<A> {
    const merged = mergeKeys(this.#early, keys);
    this.#early = new Map();
    return { kind: 'negotiate', request: { keys: merged, transit } };
  }

  #response(pairs: readonly TextPair[], transit: boolean, from?: NegotiationAnswer): Buffer {
    const { currentStage, nextStage, isid, initiatorTaskTag, cmdSN } = this.#latest!;
    const text = encodeText([...this.#portalGroupTag(), ...pairs]);
    if (text.length > MAX_TEXT_LENGTH) {
      throw new ProtocolError(
        'text_too_long',
        'the answer to the negotiation message would not fit into one PDU',
      );
    }
    const statSN = this.#statSN;
    this.#statSN = serialAdd(statSN, 1);
    if (transit) this.#stage = nextStage;
    return encodePdu(
      'loginResponse',
      {
        currentStage,
        isid,
        initiatorTaskTag,
        statSN,
        transit,
        nextStage: transit ? nextStage : 0,
        tsih: from?.tsih ?? 0,
        expCmdSN: from?.expCmdSN ?? cmdSN,
        maxCmdSN: from?.maxCmdSN ?? cmdSN,
      },
      text,
    );
  }

  /** RFC 7143 §13.9: in the response to the first message of a Normal session. */
  #portalGroupTag(): TextPair[] {
    if (this.#sentPortalGroupTag || this.#identity?.sessionType !== 'Normal') return [];
    this.#sentPortalGroupTag = true;
    return [['TargetPortalGroupTag', String(this.#options.targetPortalGroupTag)]];
  }
}
