import type { TargetRecord } from '../discovery/sendTargets.ts';
import { answerSessionText, isDeclarationOnly } from '../discovery/sessionText.ts';
import {
  ahsLengthAt,
  BHS_LENGTH,
  dataSegmentLengthAt,
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
import { CommandPolicy } from '../policy/commandPolicy.ts';
import { Authorization, type Admission } from '../policy/policy.ts';
import { textAnswer } from './answers.ts';
import { CommandGate, type Refusal } from './commandGate.ts';
import { Declarations } from './declarations.ts';
import { Legs } from './legs.ts';
import { ResponseFilter } from './responseFilter.ts';
import { Substitutions, type Answer } from './substitution.ts';

/** The most that one Data-In of an answer that is rewritten may hold; bounded by what initiators take. */
const MAX_FILTERED_LENGTH = 1024 * 1024;
/** An answer to Text is held until the target's NOP-In comes. */
const MAX_TEXTS = 64;
const NOTHING = Buffer.alloc(0);

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
  readonly #gate: CommandGate;
  readonly #filter: ResponseFilter;
  readonly #substitutions = new Substitutions();
  readonly #fromInitiator: PduStream;
  readonly #fromTarget: PduStream;
  #maxRecv: Record<Side, number>;
  readonly #declarations = new Declarations();
  /** What goes to the target in the place of the request that is being absorbed. */
  #inPlace: (() => void) | undefined;
  /** What the target last said of its command window. */
  readonly #window = { expCmdSN: 0, maxCmdSN: 0 };
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
    const policy = new CommandPolicy(authorization.access);
    this.#filter = new ResponseFilter(policy);
    this.#gate = new CommandGate(policy, this.#substitutions, this.#filter, options.onDenied);
    this.#legs = new Legs(options.statSN, options.expStatSN);
    this.#maxRecv = { ...parameters.maxRecvDataSegmentLength };
    const { digests } = parameters;
    this.#fromInitiator = new PduStream(this.#initiatorPdus(), {
      digests,
      maxCollectedLength: MAX_TEXT_LENGTH,
      maxDataSegmentLength: this.#maxRecv.target,
    });
    this.#fromTarget = new PduStream(this.#targetPdus(), {
      digests,
      maxCollectedLength: MAX_FILTERED_LENGTH,
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
      absorbed: () => this.#inPlace?.(),
    };
  }

  #targetPdus(): PduHandler {
    return {
      pass: this.#options.toInitiator,
      header: (bytes, at) => this.#response(bytes, at),
      collected: (pdu) => this.#collectedResponse(pdu),
      absorbed: () => {},
    };
  }

  #request(bytes: Buffer, at: number): DispositionValue {
    this.traffic.initiator.pdus++;
    const opcode = opcodeAt(bytes, at);
    if (opcode !== Opcode.scsiCommand) refuseAdditionalHeaders(bytes, at);
    switch (opcode) {
      case Opcode.scsiCommand:
        return this.#command(bytes, at);
      case Opcode.dataOut:
        return this.#dataOut(bytes, at);
      case Opcode.taskManagementRequest:
        return this.#taskManagement(bytes, at);
      case Opcode.nopOut:
      case Opcode.logoutRequest:
        return this.#forwarded(bytes, at);
      case Opcode.textRequest:
        return Disposition.collect;
      default:
        throw new ProtocolError(
          'bad_opcode',
          `the initiator sent ${describeOpcode(opcode)} in full feature phase`,
        );
    }
  }

  #forwarded(bytes: Buffer, at: number): DispositionValue {
    return this.#legs.patchRequest(bytes, at) ? Disposition.passPatched : Disposition.pass;
  }

  #command(bytes: Buffer, at: number): DispositionValue {
    const refusal = this.#gate.command(bytes, at);
    return refusal === undefined ? this.#forwarded(bytes, at) : this.#refuse(refusal);
  }

  #taskManagement(bytes: Buffer, at: number): DispositionValue {
    const refusal = this.#gate.taskManagement(bytes, at);
    return refusal === undefined ? this.#forwarded(bytes, at) : this.#refuse(refusal);
  }

  #dataOut(bytes: Buffer, at: number): DispositionValue {
    const refused = this.#gate.dataOut(bytes, at);
    if (refused === undefined) return this.#forwarded(bytes, at);
    this.#legs.noteInitiator(bytes, at);
    const { answer } = refused;
    if (answer !== undefined) this.#fromTarget.atBoundary(() => this.#answer(answer));
    this.#inPlace = undefined;
    return Disposition.absorb;
  }

  /** Sends a NOP-Out in the place of what policy refuses; the answer goes out when its NOP-In has come. */
  #refuse({ request, answer, awaitsData }: Refusal): DispositionValue {
    this.#legs.patchRequest(request, 0);
    const nopOut = this.#substitutions.replace(request, answer, awaitsData);
    this.#inPlace = () => this.#options.toTarget(wirePdu(nopOut, NOTHING, NOTHING, this.#digests));
    return Disposition.absorb;
  }

  #answer(answer: Answer): void {
    const numbers = { statSN: this.#legs.take(), ...this.#window };
    this.#options.toInitiator(answer(numbers, this.#digests));
  }

  #response(bytes: Buffer, at: number): DispositionValue {
    this.traffic.target.pdus++;
    const opcode = opcodeAt(bytes, at);
    refuseAdditionalHeaders(bytes, at);
    this.#window.expCmdSN = u32At(bytes, at + Offset.expCmdSN);
    this.#window.maxCmdSN = u32At(bytes, at + Offset.maxCmdSN);
    switch (opcode) {
      case Opcode.dataIn:
        return this.#dataIn(bytes, at);
      case Opcode.scsiResponse: {
        const initiatorTaskTag = u32At(bytes, at + Offset.initiatorTaskTag);
        if (this.#filter.rewrites(initiatorTaskTag)) return Disposition.collect;
        this.#filter.ended(initiatorTaskTag);
        return this.#patched(bytes, at, true);
      }
      case Opcode.taskManagementResponse: {
        const hasChanged = this.#gate.taskManagementAnswered(bytes, at);
        const disposition = this.#patched(bytes, at, true);
        return hasChanged ? Disposition.passPatched : disposition;
      }
      case Opcode.asyncMessage:
        return this.#patched(bytes, at, true);
      case Opcode.logoutResponse:
        this.#isLoggedOut = true;
        return this.#patched(bytes, at, true);
      case Opcode.r2t:
        return this.#patched(bytes, at, false);
      case Opcode.nopIn: {
        const initiatorTaskTag = u32At(bytes, at + Offset.initiatorTaskTag);
        if (this.#substitutions.awaitsNopIn(initiatorTaskTag)) return Disposition.collect;
        return this.#patched(bytes, at, initiatorTaskTag !== RESERVED_TAG);
      }
      case Opcode.textResponse:
      case Opcode.reject:
        refuseLongText(bytes, at);
        return Disposition.collect;
      default:
        throw new ProtocolError(
          'bad_opcode',
          `the target sent ${describeOpcode(opcode)} in full feature phase`,
        );
    }
  }

  #dataIn(bytes: Buffer, at: number): DispositionValue {
    const initiatorTaskTag = u32At(bytes, at + Offset.initiatorTaskTag);
    if (this.#filter.rewrites(initiatorTaskTag)) return Disposition.collect;
    const hasStatus = (flagsAt(bytes, at) & Flag.status) !== 0;
    if (!hasStatus) return Disposition.pass; // StatSN is reserved (RFC 7143 §11.7.4)
    this.#filter.ended(initiatorTaskTag);
    return this.#patched(bytes, at, true);
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
      this.#declarations.add(initiatorTaskTag);
      this.#declare('initiator', keys);
      this.#options.toTarget(wirePdu(pdu.bhs, pdu.ahs, pdu.data, this.#digests));
    } else {
      const { text, denied } = answerSessionText(keys, this.#options.record);
      if (text.length > this.#maxRecv.initiator) {
        throw new ProtocolError('text_too_long', 'a Text Request whose answer would not fit into one PDU');
      }
      if (denied.length > 0) this.#options.onDenied(`text keys in full feature phase: ${denied.join(', ')}`);
      if (this.#substitutions.count(Opcode.textRequest) >= MAX_TEXTS) {
        throw new ProtocolError('too_many_pieces', `more than ${MAX_TEXTS} Text Requests without an answer`);
      }
      const nopOut = this.#substitutions.replace(pdu.bhs, textAnswer(initiatorTaskTag, text));
      this.#options.toTarget(wirePdu(nopOut, NOTHING, NOTHING, this.#digests));
    }
  }

  #collectedResponse(pdu: Pdu): void {
    switch (opcodeAt(pdu.bhs, 0)) {
      case Opcode.nopIn: {
        this.#legs.received(u32At(pdu.bhs, Offset.statSN));
        const answer = this.#substitutions.nopIn(u32At(pdu.bhs, Offset.initiatorTaskTag));
        return answer === undefined ? undefined : this.#answer(answer);
      }
      case Opcode.dataIn:
        return this.#filtered(this.#filter.dataIn(pdu));
      case Opcode.scsiResponse:
        return this.#filtered(this.#filter.ended(u32At(pdu.bhs, Offset.initiatorTaskTag), [pdu]));
      case Opcode.textResponse:
        return this.#declarationAnswer(pdu);
      default:
        return this.#reject(pdu);
    }
  }

  /** Sends what the filter let out; numbers are patched now, because some of it was held back. */
  #filtered(pdus: readonly Pdu[]): void {
    for (const { bhs, ahs, data } of pdus) {
      const isDataIn = opcodeAt(bhs, 0) === Opcode.dataIn;
      if (!isDataIn || (flagsAt(bhs, 0) & Flag.status) !== 0) this.#legs.patchResponse(bhs, 0, true);
      this.#options.toInitiator(wirePdu(bhs, ahs, data, this.#digests));
    }
  }

  #declarationAnswer(pdu: Pdu): void {
    const { initiatorTaskTag, final } = decodeBhs('textResponse', pdu.bhs);
    const keys = parseKeys(pdu.data);
    const isExpected = this.#declarations.answered(initiatorTaskTag) && final;
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
      else if (opcode === Opcode.textRequest) this.#declarations.answered(initiatorTaskTag);
      else if (opcode === Opcode.scsiCommand) this.#filter.rejected(initiatorTaskTag);
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

function refuseLongText(bytes: Buffer, at: number): void {
  const length = dataSegmentLengthAt(bytes, at);
  if (length <= MAX_TEXT_LENGTH) return;
  throw new ProtocolError('text_too_long', `${describeOpcode(opcodeAt(bytes, at))} with ${length} bytes`);
}

/** Only a SCSI Command has any (RFC 7143 §11.2.2). */
function refuseAdditionalHeaders(bytes: Buffer, at: number): void {
  if (ahsLengthAt(bytes, at) === 0) return;
  throw new ProtocolError(
    'header_too_long',
    `${describeOpcode(opcodeAt(bytes, at))} has no additional headers`,
  );
}
