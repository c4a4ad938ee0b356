import type { Recorder } from '../accounting/recorder.ts';
import { Flag, flagsAt, Offset, opcodeAt, u32At } from '../iscsi/bhs.ts';
import { describeOpcode, Opcode } from '../iscsi/opcode.ts';
import { wirePdu, type Digests, type Pdu } from '../iscsi/pdu.ts';
import { Disposition, PduStream, type DispositionValue, type PduHandler } from '../iscsi/pduStream.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import { MAX_TEXT_LENGTH } from '../iscsi/text.ts';
import type { CommandGate, RefusedRequest } from './commandGate.ts';
import { refuseAdditionalHeaders } from './headers.ts';
import type { Legs } from './legs.ts';
import type { ResponseFilter } from './responseFilter.ts';
import type { Answer, Substitutions } from './substitution.ts';
import { REFERENCED_TASK_TAG } from './task.ts';
import type { TextExchange } from './textExchange.ts';

const NOTHING = Buffer.alloc(0);

export interface RequestsOptions {
  readonly digests: Digests;
  readonly legs: Legs;
  readonly gate: CommandGate;
  readonly filter: ResponseFilter;
  readonly substitutions: Substitutions;
  readonly text: TextExchange;
  readonly recorder: Recorder | undefined;
  readonly toTarget: (view: Buffer) => void;
  /** The answer to a refused request may go to the initiator. */
  readonly answer: (answer: Answer) => void;
}

/** What the initiator sends: requests that go on, and NOP-Outs in the place of those that do not. */
export class Requests implements PduHandler {
  readonly traffic = { pdus: 0, bytes: 0 };
  commands = 0;
  readonly pass: (view: Buffer) => void;
  readonly #options: RequestsOptions;
  readonly #stream: PduStream;
  /** What of the options is looked at for every PDU. */
  readonly #legs: Legs;
  readonly #gate: CommandGate;
  readonly #filter: ResponseFilter;
  readonly #recorder: Recorder | undefined;
  /** What goes to the target in the place of the request that is being absorbed. */
  #inPlace: Buffer | undefined;

  constructor(options: RequestsOptions) {
    this.#options = options;
    this.#legs = options.legs;
    this.#gate = options.gate;
    this.#filter = options.filter;
    this.#recorder = options.recorder;
    this.pass = options.toTarget;
    this.#stream = new PduStream(this, {
      digests: options.digests,
      maxCollectedLength: MAX_TEXT_LENGTH,
      maxDataSegmentLength: options.text.maxRecv('target'),
    });
  }

  /** @throws ProtocolError: the session is over */
  push(chunk: Buffer): void {
    this.traffic.bytes += chunk.length;
    this.#stream.maxDataSegmentLength = this.#options.text.maxRecv('target');
    this.#stream.push(chunk);
  }

  header(bytes: Buffer, at: number): DispositionValue {
    this.traffic.pdus++;
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
        this.#recorder?.nopOut(bytes, at);
        return this.#forwarded(bytes, at);
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

  /** A Text Request: a declaration goes on, everything else is answered here. */
  collected(pdu: Pdu): void {
    const { text, digests, toTarget } = this.#options;
    this.#legs.patchRequest(pdu.bhs, 0);
    const { bhs, ahs, data } = text.request(pdu);
    toTarget(wirePdu(bhs, ahs, data, digests));
  }

  absorbed(): void {
    if (this.#inPlace !== undefined) this.#options.toTarget(this.#inPlace);
  }

  #forwarded(bytes: Buffer, at: number): DispositionValue {
    return this.#legs.patchRequest(bytes, at) ? Disposition.passPatched : Disposition.pass;
  }

  #command(bytes: Buffer, at: number): DispositionValue {
    this.commands++;
    const task = this.#gate.command(bytes, at);
    if (typeof task !== 'number') return this.#refused(task);
    this.#recorder?.command(bytes, at, task);
    return this.#forwarded(bytes, at);
  }

  #taskManagement(bytes: Buffer, at: number): DispositionValue {
    const refusal = this.#gate.taskManagement(bytes, at);
    if (refusal !== undefined) return this.#refused(refusal);
    this.#recorder?.taskManagement(bytes, at, this.#filter.find(u32At(bytes, at + REFERENCED_TASK_TAG)));
    return this.#forwarded(bytes, at);
  }

  /** Sends a NOP-Out in the place of what policy refuses; the answer goes out when its NOP-In has come. */
  #refused({ request, answer, awaitsData }: RefusedRequest): DispositionValue {
    const { substitutions, digests } = this.#options;
    this.#legs.patchRequest(request, 0);
    this.#inPlace = wirePdu(substitutions.replace(request, answer, awaitsData), NOTHING, NOTHING, digests);
    return Disposition.absorb;
  }

  #dataOut(bytes: Buffer, at: number): DispositionValue {
    const refused = this.#gate.dataOut(bytes, at);
    if (refused === undefined) {
      if ((flagsAt(bytes, at) & Flag.final) !== 0) {
        const task = this.#filter.find(u32At(bytes, at + Offset.initiatorTaskTag));
        this.#recorder?.dataEnded(bytes, at, task);
      }
      return this.#forwarded(bytes, at);
    }
    this.#legs.noteInitiator(bytes, at);
    if (refused.answer !== undefined) this.#options.answer(refused.answer);
    this.#inPlace = undefined;
    return Disposition.absorb;
  }
}
