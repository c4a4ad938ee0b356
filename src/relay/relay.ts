import type { TargetRecord } from '../discovery/sendTargets.ts';
import { answerSessionText, isDeclarationOnly } from '../discovery/sessionText.ts';
import {
  ahsLengthAt,
  BHS_LENGTH,
  Flag,
  flagsAt,
  Offset,
  opcodeAt,
  RESERVED_TAG,
  setU32At,
  u32At,
} from '../iscsi/bhs.ts';
import { decodeBhs } from '../iscsi/layouts.ts';
import { describeOpcode, Opcode } from '../iscsi/opcode.ts';
import { wirePdu, type Digests, type Pdu } from '../iscsi/pdu.ts';
import { Disposition, PduStream, type DispositionValue, type PduHandler } from '../iscsi/pduStream.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import { MAX_TEXT_LENGTH, parseKeys } from '../iscsi/text.ts';
import { NON_ANSWERS } from '../login/keys.ts';
import { readMaxRecvDataSegmentLength, type NegotiatedParameters, type Side } from '../login/negotiation.ts';
import { AuthenticatedLogin } from '../login/targetLogin.ts';
import { Authorization, type Admission } from '../policy/policy.ts';
import { Legs } from './legs.ts';
import { Substitutions } from './substitution.ts';

/** More than any initiator declares at once; a target that never answers must not cost memory. */
const MAX_DECLARING = 64;

export interface RelayOptions {
  /** The two proofs without which there is no relay: the initiator proved who it is, and policy lets it use this target. */
  readonly login: AuthenticatedLogin<Admission>;
  readonly authorization: Authorization;
  readonly parameters: NegotiatedParameters;
  /** Number of the next response to the initiator. */
  readonly statSN: number;
  /** Number that the target's next response is expected to carry. */
  readonly expStatSN: number;
  /** The session's target as this initiator may see it. */
  readonly record: TargetRecord;
  /** The initiator asked for something that it does not get; the session goes on. */
  readonly onDenied: (what: string) => void;
  readonly toTarget: (view: Buffer) => void;
  readonly toInitiator: (view: Buffer) => void;
}

/** What passed in one direction, counted in plain numbers and read when metrics are scraped. */
export interface Traffic {
  pdus: number;
  bytes: number;
}

/**
 * Full feature phase of one session: walks both byte streams, patches the numbers of the two legs, and lets the chunks go on as
 * they came. Text is answered here. It knows no socket: chunks in, views out through `toTarget` and `toInitiator`.
 */
export class Relay {
  readonly traffic: Readonly<Record<Side, Traffic>> = {
    initiator: { pdus: 0, bytes: 0 },
    target: { pdus: 0, bytes: 0 },
  };
  readonly #options: RelayOptions;
  readonly #digests: Digests;
  readonly #legs: Legs;
  readonly #substitutions = new Substitutions();
  readonly #fromInitiator: PduStream;
  readonly #fromTarget: PduStream;
  #maxRecv: Record<Side, number>;
  /** Declarations of a new MaxRecvDataSegmentLength that the target has yet to answer, by task tag. */
  readonly #declaring = new Set<number>();
  #isLoggedOut = false;

  constructor(options: RelayOptions) {
    const { login, authorization, parameters } = options;
    if (!AuthenticatedLogin.isGenuine(login) || !Authorization.isGenuine(authorization)) {
      throw new TypeError(
        'a login and an authorization are proofs only if they come from TargetLogin and Policy',
      );
    }
    if (login.admission !== authorization.admission || login.identity.targetName !== authorization.target) {
      throw new TypeError('the authorization belongs to another login');
    }
    this.#options = options;
    this.#digests = parameters.digests;
    this.#legs = new Legs(options.statSN, options.expStatSN);
    this.#maxRecv = { ...parameters.maxRecvDataSegmentLength };
    const common = { digests: parameters.digests, maxCollectedLength: MAX_TEXT_LENGTH };
    this.#fromInitiator = new PduStream(this.#initiatorPdus(), {
      ...common,
      maxDataSegmentLength: this.#maxRecv.target,
    });
    this.#fromTarget = new PduStream(this.#targetPdus(), {
      ...common,
      maxDataSegmentLength: this.#maxRecv.initiator,
    });
  }

  /** The target has answered a logout: whoever closes now, the session ended in order. */
  get isLoggedOut(): boolean {
    return this.#isLoggedOut;
  }

  /** @throws ProtocolError: the session is over */
  fromInitiator(chunk: Buffer): void {
    this.traffic.initiator.bytes += chunk.length;
    this.#fromInitiator.push(chunk);
  }

  /** @throws ProtocolError: the session is over */
  fromTarget(chunk: Buffer): void {
    this.traffic.target.bytes += chunk.length;
    this.#fromTarget.push(chunk);
  }

  #initiatorPdus(): PduHandler {
    return {
      pass: this.#options.toTarget,
      header: (bytes, at) => this.#request(bytes, at),
      collected: (pdu) => this.#text(pdu),
    };
  }

  #targetPdus(): PduHandler {
    return {
      pass: this.#options.toInitiator,
      header: (bytes, at) => this.#response(bytes, at),
      collected: (pdu) => this.#collectedResponse(pdu),
    };
  }

  #request(bytes: Buffer, at: number): DispositionValue {
    this.traffic.initiator.pdus++;
    const opcode = opcodeAt(bytes, at);
    if (opcode !== Opcode.scsiCommand) refuseAdditionalHeaders(bytes, at);
    switch (opcode) {
      case Opcode.scsiCommand:
      case Opcode.dataOut:
      case Opcode.nopOut:
      case Opcode.taskManagementRequest:
      case Opcode.logoutRequest:
        return this.#legs.patchRequest(bytes, at) ? Disposition.passPatched : Disposition.pass;
      case Opcode.textRequest:
        return Disposition.collect;
      default:
        throw new ProtocolError(
          'bad_opcode',
          `the initiator sent ${describeOpcode(opcode)} in full feature phase`,
        );
    }
  }

  #response(bytes: Buffer, at: number): DispositionValue {
    this.traffic.target.pdus++;
    const opcode = opcodeAt(bytes, at);
    refuseAdditionalHeaders(bytes, at);
    switch (opcode) {
      case Opcode.dataIn: {
        const carriesStatus = (flagsAt(bytes, at) & Flag.status) !== 0; // else the field is reserved (§11.7.4)
        return carriesStatus ? this.#patched(bytes, at, true) : Disposition.pass;
      }
      case Opcode.scsiResponse:
      case Opcode.taskManagementResponse:
      case Opcode.asyncMessage:
        return this.#patched(bytes, at, true);
      case Opcode.logoutResponse:
        this.#isLoggedOut = true;
        return this.#patched(bytes, at, true);
      case Opcode.r2t:
        return this.#patched(bytes, at, false);
      case Opcode.nopIn: {
        const initiatorTaskTag = u32At(bytes, at + Offset.initiatorTaskTag);
        if (this.#substitutions.has(initiatorTaskTag)) return Disposition.collect;
        return this.#patched(bytes, at, initiatorTaskTag !== RESERVED_TAG);
      }
      case Opcode.textResponse:
      case Opcode.reject:
        return Disposition.collect;
      default:
        throw new ProtocolError(
          'bad_opcode',
          `the target sent ${describeOpcode(opcode)} in full feature phase`,
        );
    }
  }

  #patched(bytes: Buffer, at: number, advances: boolean): DispositionValue {
    return this.#legs.patchResponse(bytes, at, advances) ? Disposition.passPatched : Disposition.pass;
  }

  /** A Text Request: a declaration goes on, everything else is answered here. */
  #text(pdu: Pdu): void {
    const { continues, final, targetTransferTag, initiatorTaskTag } = decodeBhs('textRequest', pdu.bhs);
    if (continues || !final || targetTransferTag !== RESERVED_TAG) {
      throw new ProtocolError('bad_flags', 'a Text Request in pieces in a Normal session');
    }
    const keys = parseKeys(pdu.data);
    this.#legs.patchRequest(pdu.bhs, 0);
    if (isDeclarationOnly(keys)) {
      this.#awaitAnswer(initiatorTaskTag);
      this.#declare('initiator', keys);
      this.#options.toTarget(wirePdu(pdu.bhs, pdu.ahs, pdu.data, this.#digests));
    } else {
      const { text, denied } = answerSessionText(keys, this.#options.record);
      if (text.length > this.#maxRecv.initiator) {
        throw new ProtocolError('text_too_long', 'a Text Request whose answer would not fit into one PDU');
      }
      if (denied.length > 0) this.#options.onDenied(`text keys in full feature phase: ${denied.join(', ')}`);
      const nopOut = this.#substitutions.replace(pdu.bhs, text);
      this.#options.toTarget(wirePdu(nopOut, Buffer.alloc(0), Buffer.alloc(0), this.#digests));
    }
  }

  #collectedResponse(pdu: Pdu): void {
    switch (opcodeAt(pdu.bhs, 0)) {
      case Opcode.nopIn: {
        const statSN = this.#legs.advance(u32At(pdu.bhs, Offset.statSN));
        return this.#options.toInitiator(this.#substitutions.answer(pdu, statSN, this.#digests));
      }
      case Opcode.textResponse:
        return this.#declarationAnswer(pdu);
      default:
        return this.#reject(pdu);
    }
  }

  #awaitAnswer(initiatorTaskTag: number): void {
    if (initiatorTaskTag === RESERVED_TAG || this.#declaring.has(initiatorTaskTag)) {
      throw new ProtocolError('bad_sequence', 'a declaration whose task tag is reserved or in use');
    }
    if (this.#declaring.size === MAX_DECLARING) {
      throw new ProtocolError('too_many_pieces', `more than ${MAX_DECLARING} declarations without an answer`);
    }
    this.#declaring.add(initiatorTaskTag);
  }

  #declarationAnswer(pdu: Pdu): void {
    const { initiatorTaskTag, final } = decodeBhs('textResponse', pdu.bhs);
    const keys = parseKeys(pdu.data);
    const isExpected = this.#declaring.delete(initiatorTaskTag) && final;
    if (!isExpected || (keys.size > 0 && !isDeclarationOnly(keys))) {
      throw new ProtocolError('bad_text', 'the target sent text that nobody asked for');
    }
    const isDeclared = !NON_ANSWERS.has(keys.get('MaxRecvDataSegmentLength') ?? '');
    if (isDeclared) this.#declare('target', keys);
    this.#legs.patchResponse(pdu.bhs, 0, true);
    this.#options.toInitiator(wirePdu(pdu.bhs, pdu.ahs, pdu.data, this.#digests));
  }

  /** A Reject shows the initiator its own header back: with the numbers that it sent, not with ours (RFC 7143 §11.17). */
  #reject(pdu: Pdu): void {
    const data = Buffer.from(pdu.data);
    if (data.length >= BHS_LENGTH) {
      const initiatorTaskTag = u32At(data, Offset.initiatorTaskTag);
      const opcode = opcodeAt(data, 0);
      if (opcode === Opcode.nopOut) this.#substitutions.rejected(initiatorTaskTag)?.copy(data);
      else if (opcode === Opcode.textRequest) this.#declaring.delete(initiatorTaskTag);
      setU32At(data, Offset.expStatSN, this.#legs.initiatorExpStatSN);
    }
    this.#legs.patchResponse(pdu.bhs, 0, true);
    this.#options.toInitiator(wirePdu(pdu.bhs, pdu.ahs, data, this.#digests));
  }

  /** From now on the other side may send what this side declares; until it knows, what held before. */
  #declare(side: Side, keys: ReadonlyMap<string, string>): void {
    const value = keys.get('MaxRecvDataSegmentLength');
    if (value === undefined) return;
    this.#maxRecv[side] = Math.max(this.#maxRecv[side], readMaxRecvDataSegmentLength(value));
    const stream = side === 'initiator' ? this.#fromTarget : this.#fromInitiator;
    stream.maxDataSegmentLength = this.#maxRecv[side];
  }
}

/** Only a SCSI Command has any (RFC 7143 §11.2.2). */
function refuseAdditionalHeaders(bytes: Buffer, at: number): void {
  if (ahsLengthAt(bytes, at) === 0) return;
  throw new ProtocolError(
    'header_too_long',
    `${describeOpcode(opcodeAt(bytes, at))} has no additional headers`,
  );
}
