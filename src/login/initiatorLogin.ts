import { Failure, type FailureReason } from '../failures.ts';
import { opcodeAt } from '../iscsi/bhs.ts';
import { decodeBhs, type PduFields } from '../iscsi/layouts.ts';
import { describeLoginStatus, LoginStatus } from '../iscsi/loginStatus.ts';
import { describeOpcode, Opcode } from '../iscsi/opcode.ts';
import { encodePdu, type Pdu } from '../iscsi/pdu.ts';
import { serialAdd } from '../iscsi/serialArithmetic.ts';
import { parseTargetAddress, type TargetAddress } from '../iscsi/targetAddress.ts';
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
import { ChapProver } from './chapProver.ts';
import type { SessionType } from './loginIdentity.ts';
import { KEYS } from './keys.ts';
import { Stage } from './loginRequest.ts';

const MAX_RESPONSES = 32;
const MAX_PIECES = 16;

export interface InitiatorLoginOptions {
  readonly initiatorName: string;
  readonly sessionType: SessionType;
  /** For a Normal session. */
  readonly targetName?: string;
  /** 6 bytes. */
  readonly isid: Buffer;
  readonly cid: number;
  readonly initiatorTaskTag: number;
  /** Carried, not consumed: login is immediate. The first command of the session has this number. */
  readonly cmdSN: number;
  /** If given, the target must authenticate us this way; if not, it must not ask. */
  readonly chap?: ChapRequirement;
  /**
   * The target may go without CHAP all the same. For discovery: many targets guard their disks alone, and whatever a false one
   * could show there still has to prove itself when it is logged in to.
   */
  readonly chapIsOptional?: boolean;
  readonly challenges: Challenges;
}

export type InitiatorLoginStep =
  | { readonly kind: 'send'; readonly request: Buffer }
  /** Security is passed. Call `negotiate` with the first message of operational negotiation. */
  | { readonly kind: 'secured' }
  /** The target's answer to `negotiate`. With `transit`, full feature phase has begun; else call `negotiate` again. */
  | {
      readonly kind: 'negotiated';
      readonly keys: TextKeys;
      readonly transit: boolean;
      readonly tsih: number;
      readonly expCmdSN: number;
      readonly maxCmdSN: number;
    }
  /** The target is elsewhere (0101, 0102); the connection is over. */
  | { readonly kind: 'redirect'; readonly address: TargetAddress; readonly isPermanent: boolean };

type Awaiting = 'method' | 'challenge' | 'proof' | 'secured' | 'operational';

/**
 * The initiator's side of a login (RFC 7143 §6), facing a target. Security is done here, always from stage 0, so that what is
 * wrong with the target shows before anybody is promised it; what is negotiated is the caller's.
 */
export class InitiatorLogin {
  readonly #options: InitiatorLoginOptions;
  readonly #text = new TextAssembler({ maxLength: MAX_TEXT_LENGTH, maxPieces: MAX_PIECES });
  readonly #chap: ChapProver | undefined;
  #awaiting: Awaiting = 'method';
  #stage: number = Stage.security;
  #askedTransit = false;
  #responses = 0;
  #expStatSN = 0;
  #commandWindow = { expCmdSN: 0, maxCmdSN: 0 };

  constructor(options: InitiatorLoginOptions) {
    this.#options = options;
    this.#chap = options.chap === undefined ? undefined : new ChapProver(options.chap, options.challenges);
  }

  /** The first request. */
  start(): Buffer {
    const { initiatorName, sessionType, targetName } = this.#options;
    const pairs: TextPair[] = [
      ['InitiatorName', initiatorName],
      ['SessionType', sessionType],
      ['AuthMethod', this.#methods.join(',')],
    ];
    if (targetName !== undefined) pairs.push(['TargetName', targetName]);
    return this.#request(pairs, this.#methods.includes('None'));
  }

  /**
   * Takes the next PDU from the target.
   *
   * @throws Failure with a `backend_…` reason or `target_not_found`; ProtocolError
   */
  receive(pdu: Pdu): InitiatorLoginStep {
    if (++this.#responses > MAX_RESPONSES) {
      throw new Failure(
        'backend_protocol',
        `the target does not end the login after ${MAX_RESPONSES} responses`,
      );
    }
    const response = this.#read(pdu);
    const statusClass = response.status >>> 8;
    if (statusClass === 1) return redirect(pdu, response.status);
    if (response.status !== LoginStatus.success) throw refused(response.status, this.#awaiting);
    this.#expStatSN = serialAdd(response.statSN, 1);
    this.#commandWindow = { expCmdSN: response.expCmdSN, maxCmdSN: response.maxCmdSN };
    if (response.transit && !this.#askedTransit) {
      throw new Failure('backend_protocol', 'the target transits without being asked');
    }
    const message = this.#text.add(pdu.data, response.continues);
    if (message === undefined) return { kind: 'send', request: this.#request([], false) };
    return this.#message(parseKeys(message), response);
  }

  /**
   * Sends one message of operational negotiation.
   *
   * @param transit asks for full feature phase
   */
  negotiate(pairs: readonly TextPair[], transit: boolean): Buffer {
    this.#awaiting = 'operational';
    return this.#request(pairs, transit);
  }

  /** StatSN that the next PDU from the target is expected to carry. */
  get expStatSN(): number {
    return this.#expStatSN;
  }

  /** What the target last said of it; that of the last Login Response holds until it says more. */
  get commandWindow(): { readonly expCmdSN: number; readonly maxCmdSN: number } {
    return this.#commandWindow;
  }

  #read(pdu: Pdu): PduFields<'loginResponse'> {
    const opcode = opcodeAt(pdu.bhs, 0);
    if (opcode !== Opcode.loginResponse) {
      throw new Failure('backend_protocol', `the target sent ${describeOpcode(opcode)} during login`);
    }
    const response = decodeBhs('loginResponse', pdu.bhs);
    if (response.initiatorTaskTag !== this.#options.initiatorTaskTag) {
      throw new Failure('backend_protocol', 'the Login Response carries another task tag than the request');
    }
    if (response.status === LoginStatus.success) {
      const { currentStage, nextStage, transit, continues, versionActive } = response;
      const transitFits = !transit || (!continues && nextStage === this.#nextStage);
      if (currentStage !== this.#stage || !transitFits || versionActive !== 0) {
        throw new Failure(
          'backend_protocol',
          'the Login Response has flags, stage or version that do not fit',
        );
      }
    }
    return response;
  }

  #message(keys: TextKeys, response: PduFields<'loginResponse'>): InitiatorLoginStep {
    const { transit, tsih, expCmdSN, maxCmdSN } = response;
    if (this.#awaiting === 'operational') {
      if (transit) this.#stage = Stage.fullFeature;
      return { kind: 'negotiated', keys, transit, tsih, expCmdSN, maxCmdSN };
    }
    this.#refuseOperationalKeys(keys);
    switch (this.#awaiting) {
      case 'method':
        return this.#method(keys, transit);
      case 'challenge':
        this.#awaiting = 'proof';
        return { kind: 'send', request: this.#request(this.#chap!.respond(keys), true) };
      case 'proof':
        this.#chap!.verify(keys);
        this.#awaiting = 'secured';
        return this.#secured(transit);
      case 'secured':
        return this.#secured(transit);
    }
  }

  get #methods(): readonly ('CHAP' | 'None')[] {
    if (this.#chap === undefined) return ['None'];
    return this.#options.chapIsOptional === true ? ['CHAP', 'None'] : ['CHAP'];
  }

  #method(keys: TextKeys, transit: boolean): InitiatorLoginStep {
    const chosen = keys.get('AuthMethod') ?? 'None';
    if (!this.#methods.some((method) => method === chosen)) {
      throw new Failure(
        'backend_auth',
        this.#chap === undefined
          ? 'the target insists on CHAP, none is configured for it'
          : 'the target goes without CHAP, which is configured for it',
      );
    }
    if (chosen === 'None') {
      this.#awaiting = 'secured';
      return this.#secured(transit);
    }
    if (transit) throw new Failure('backend_auth', 'the target skips CHAP, which is configured for it');
    this.#awaiting = 'challenge';
    return { kind: 'send', request: this.#request(this.#chap!.offer(), false) };
  }

  #secured(transit: boolean): InitiatorLoginStep {
    if (!transit) return { kind: 'send', request: this.#request([], true) };
    this.#stage = Stage.operational;
    return { kind: 'secured' };
  }

  /** Security-stage answers hold security keys and the target's declarations about itself, which nobody here needs. */
  #refuseOperationalKeys(keys: TextKeys): void {
    for (const key of keys.keys()) {
      const kind = KEYS.get(key)?.kind;
      if (kind !== 'security' && kind !== 'declared') {
        throw new Failure('backend_protocol', `the target sent ${key} in the security stage`);
      }
    }
  }

  /** The stage that a transit asks for. */
  get #nextStage(): number {
    return this.#stage === Stage.security ? Stage.operational : Stage.fullFeature;
  }

  #request(pairs: readonly TextPair[], transit: boolean): Buffer {
    const { isid, cid, initiatorTaskTag, cmdSN } = this.#options;
    this.#askedTransit = transit;
    return encodePdu(
      'loginRequest',
      {
        immediate: true,
        transit,
        currentStage: this.#stage,
        nextStage: transit ? this.#nextStage : 0,
        isid,
        cid,
        initiatorTaskTag,
        cmdSN,
        expStatSN: this.#expStatSN,
      },
      encodeText(pairs),
    );
  }
}

function redirect(pdu: Pdu, status: number): InitiatorLoginStep {
  const address = parseKeys(pdu.data).get('TargetAddress');
  if (address === undefined) {
    throw new Failure(
      'backend_redirect',
      `the target redirects (${describeLoginStatus(status)}) without a TargetAddress`,
    );
  }
  return {
    kind: 'redirect',
    address: parseTargetAddress(address),
    isPermanent: status === LoginStatus.targetMovedPermanently,
  };
}

/**
 * An array's refusal as the initiator is to hear it. Authentication between us and the array is none of its business and may be
 * mended any time: it is told to retry. Everything else passes with the array's own status.
 */
function refused(status: number, awaiting: Awaiting): Failure {
  const message = `the target answers ${describeLoginStatus(status)}`;
  const statusClass = status >>> 8;
  // Nothing else is a refusal (RFC 7143 §11.13.5); passed on, a status of class 0 would look like success.
  if (statusClass !== 2 && statusClass !== 3) return new Failure('backend_protocol', message);
  if (awaiting === 'proof' && statusClass === 2) {
    return new Failure(
      'backend_auth',
      `${message} to our CHAP response: compare user and secret; some targets misread all but "algorithms: [md5]"`,
    );
  }
  if (status === LoginStatus.authenticationFailure) {
    return new Failure('backend_auth', `${message}: compare the CHAP settings of backend and array`);
  }
  const reason: FailureReason =
    status === LoginStatus.notFound || status === LoginStatus.targetRemoved
      ? 'target_not_found'
      : statusClass === 3
        ? 'backend_down'
        : 'backend_refused';
  return new Failure(reason, message, { wire: status });
}
