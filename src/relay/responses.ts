import type { Recorder } from '../accounting/recorder.ts';
import {
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
import { describeOpcode, Opcode } from '../iscsi/opcode.ts';
import { wirePdu, type Digests, type Pdu } from '../iscsi/pdu.ts';
import { Disposition, PduStream, type DispositionValue, type PduHandler } from '../iscsi/pduStream.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import { MAX_TEXT_LENGTH } from '../iscsi/text.ts';
import type { CommandGate } from './commandGate.ts';
import { refuseAdditionalHeaders } from './headers.ts';
import type { Legs } from './legs.ts';
import type { ResponseFilter } from './responseFilter.ts';
import type { Answer, CommandWindow, Substitutions } from './substitution.ts';
import { NO_TASK } from './taskTable.ts';
import type { TextExchange } from './textExchange.ts';

/** The most that one Data-In of an answer that is rewritten may hold; bounded by what initiators take. */
const MAX_FILTERED_LENGTH = 1024 * 1024;
/** The response code of a Logout Response that says that the connection is over. */
const CLOSED = 0;

export interface ResponsesOptions {
  readonly digests: Digests;
  readonly legs: Legs;
  readonly gate: CommandGate;
  readonly filter: ResponseFilter;
  readonly substitutions: Substitutions;
  readonly text: TextExchange;
  readonly recorder: Recorder | undefined;
  /** As the target's last Login Response told it. */
  readonly commandWindow: CommandWindow;
  readonly toInitiator: (view: Buffer) => void;
}

/** What the target sends, and what the gateway says to the initiator in between. */
export class Responses implements PduHandler {
  readonly traffic = { pdus: 0, bytes: 0 };
  readonly pass: (view: Buffer) => void;
  readonly #options: ResponsesOptions;
  readonly #stream: PduStream;
  /** What of the options is looked at for every PDU. */
  readonly #legs: Legs;
  readonly #filter: ResponseFilter;
  readonly #recorder: Recorder | undefined;
  /** What the target last said of its command window. */
  readonly #window: { expCmdSN: number; maxCmdSN: number };
  #isLoggedOut = false;

  constructor(options: ResponsesOptions) {
    this.#options = options;
    this.#legs = options.legs;
    this.#filter = options.filter;
    this.#recorder = options.recorder;
    this.pass = options.toInitiator;
    this.#window = { ...options.commandWindow };
    this.#stream = new PduStream(this, {
      digests: options.digests,
      maxCollectedLength: MAX_FILTERED_LENGTH,
      maxDataSegmentLength: options.text.maxRecv('initiator'),
    });
  }

  /** The target has let the initiator log out. */
  get isLoggedOut(): boolean {
    return this.#isLoggedOut;
  }

  /** @throws ProtocolError: the session is over */
  push(chunk: Buffer): void {
    this.traffic.bytes += chunk.length;
    this.#stream.maxDataSegmentLength = this.#options.text.maxRecv('initiator');
    this.#stream.push(chunk);
  }

  /** Says something of the gateway's own to the initiator: now, or when the PDU that is under way has ended. */
  interject(answer: Answer): void {
    this.#stream.atBoundary(() => this.#interject(answer));
  }

  header(bytes: Buffer, at: number): DispositionValue {
    this.traffic.pdus++;
    const opcode = opcodeAt(bytes, at);
    refuseAdditionalHeaders(bytes, at);
    this.#window.expCmdSN = u32At(bytes, at + Offset.expCmdSN);
    this.#window.maxCmdSN = u32At(bytes, at + Offset.maxCmdSN);
    switch (opcode) {
      case Opcode.dataIn:
        return this.#dataIn(bytes, at);
      case Opcode.scsiResponse:
        return this.#scsiResponse(bytes, at);
      case Opcode.taskManagementResponse: {
        this.#recorder?.taskManagementAnswered(bytes, at);
        const hasChanged = this.#options.gate.taskManagementAnswered(bytes, at);
        const disposition = this.#patched(bytes, at, true);
        return hasChanged ? Disposition.passPatched : disposition;
      }
      case Opcode.asyncMessage:
        return this.#patched(bytes, at, true);
      case Opcode.logoutResponse:
        if (bytes[at + Offset.response] === CLOSED) this.#isLoggedOut = true;
        return this.#patched(bytes, at, true);
      case Opcode.r2t:
        this.#recorder?.r2t(this.#filter.find(u32At(bytes, at + Offset.initiatorTaskTag)));
        return this.#patched(bytes, at, false);
      case Opcode.nopIn: {
        const initiatorTaskTag = u32At(bytes, at + Offset.initiatorTaskTag);
        if (this.#options.substitutions.awaitsNopIn(initiatorTaskTag)) return Disposition.collect;
        this.#recorder?.nopIn(bytes, at);
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

  collected(pdu: Pdu): void {
    const { substitutions, text } = this.#options;
    const initiatorTaskTag = u32At(pdu.bhs, Offset.initiatorTaskTag);
    switch (opcodeAt(pdu.bhs, 0)) {
      case Opcode.nopIn: {
        this.#legs.received(u32At(pdu.bhs, Offset.statSN));
        const answer = substitutions.nopIn(initiatorTaskTag);
        return answer === undefined ? undefined : this.#interject(answer);
      }
      case Opcode.dataIn:
        return this.#send(this.#filter.dataIn(this.#filter.collected(initiatorTaskTag), pdu));
      case Opcode.scsiResponse: {
        const task = this.#filter.collected(initiatorTaskTag);
        this.#recorder?.status(pdu.bhs, 0, task, pdu.data);
        return this.#send(this.#filter.ended(task, [pdu]));
      }
      case Opcode.textResponse:
        text.response(pdu);
        return this.#send([pdu]);
      default:
        this.#recorder?.rejected(pdu.bhs, 0, pdu.data, this.#rejectedTask(pdu));
        return this.#send([this.#rejected(pdu)]);
    }
  }

  absorbed(): void {}

  #dataIn(bytes: Buffer, at: number): DispositionValue {
    const hasStatus = (flagsAt(bytes, at) & Flag.status) !== 0;
    if (!hasStatus && !this.#filter.isRewriting) return Disposition.pass;
    const task = this.#filter.find(u32At(bytes, at + Offset.initiatorTaskTag));
    if (hasStatus) this.#recorder?.status(bytes, at, task);
    if (!this.#filter.passes(task, hasStatus)) return Disposition.collect;
    return hasStatus ? this.#patched(bytes, at, true) : Disposition.pass;
  }

  #scsiResponse(bytes: Buffer, at: number): DispositionValue {
    const task = this.#filter.find(u32At(bytes, at + Offset.initiatorTaskTag));
    if (this.#recorder?.wantsData(bytes, at) === true) {
      this.#filter.collects(task);
      return Disposition.collect;
    }
    if (!this.#filter.passes(task, true)) return Disposition.collect;
    this.#recorder?.status(bytes, at, task);
    return this.#patched(bytes, at, true);
  }

  #patched(bytes: Buffer, at: number, advances: boolean): DispositionValue {
    return this.#legs.patchResponse(bytes, at, advances) ? Disposition.passPatched : Disposition.pass;
  }

  /** Behind the Logout Response nothing follows (RFC 7143 §11.14). */
  #interject(answer: Answer): void {
    if (this.#isLoggedOut) return;
    const { digests, toInitiator } = this.#options;
    toInitiator(answer({ statSN: this.#legs.take(), ...this.#window }, digests));
  }

  /** Sends on what was collected; numbers are patched now, because some of it was held back. */
  #send(pdus: readonly Pdu[]): void {
    const { digests, toInitiator } = this.#options;
    for (const { bhs, ahs, data } of pdus) {
      if (hasStatSN(bhs, 0)) this.#legs.patchResponse(bhs, 0, true);
      toInitiator(wirePdu(bhs, ahs, data, digests));
    }
  }

  #rejectedTask({ data }: Pdu): number {
    return data.length < BHS_LENGTH ? NO_TASK : this.#filter.find(u32At(data, Offset.initiatorTaskTag));
  }

  /** A Reject shows the initiator its own header back: with the numbers that it sent, not with ours (RFC 7143 §11.17). */
  #rejected(pdu: Pdu): Pdu {
    const { gate, substitutions, text } = this.#options;
    const data = Buffer.from(pdu.data);
    if (data.length < BHS_LENGTH) return pdu;
    const initiatorTaskTag = u32At(data, Offset.initiatorTaskTag);
    const opcode = opcodeAt(data, 0);
    if (opcode === Opcode.nopOut) substitutions.rejected(initiatorTaskTag)?.copy(data);
    else if (opcode === Opcode.textRequest) text.rejected(initiatorTaskTag);
    else if (opcode === Opcode.scsiCommand) this.#filter.rejected(initiatorTaskTag);
    else if (opcode === Opcode.taskManagementRequest) gate.taskManagementRejected(initiatorTaskTag);
    setU32At(data, Offset.expStatSN, this.#legs.initiatorExpStatSN);
    return { ...pdu, data };
  }
}

/** In a Data-In without status it is reserved (RFC 7143 §11.7.4). */
function hasStatSN(bytes: Buffer, at: number): boolean {
  return opcodeAt(bytes, at) !== Opcode.dataIn || (flagsAt(bytes, at) & Flag.status) !== 0;
}

function refuseLongText(bytes: Buffer, at: number): void {
  const length = dataSegmentLengthAt(bytes, at);
  if (length <= MAX_TEXT_LENGTH) return;
  throw new ProtocolError('text_too_long', `${describeOpcode(opcodeAt(bytes, at))} with ${length} bytes`);
}
