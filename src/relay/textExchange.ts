import type { TargetRecord } from '../discovery/sendTargets.ts';
import { answerSessionText, isDeclarationOnly } from '../discovery/sessionText.ts';
import { RESERVED_TAG } from '../iscsi/bhs.ts';
import { decodeBhs } from '../iscsi/layouts.ts';
import { Opcode } from '../iscsi/opcode.ts';
import type { Pdu } from '../iscsi/pdu.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import type { Side } from '../iscsi/side.ts';
import { parseKeys } from '../iscsi/text.ts';
import { NON_ANSWERS } from '../login/keys.ts';
import { readMaxRecvDataSegmentLength, type NegotiatedParameters } from '../login/negotiation.ts';
import { textAnswer } from './answers.ts';
import { Declarations } from './declarations.ts';
import type { Substitutions } from './substitution.ts';

/** An answer to Text is held until the target's NOP-In comes. */
const MAX_TEXTS = 64;
const NOTHING = Buffer.alloc(0);

/**
 * Text in full feature phase. A declaration of MaxRecvDataSegmentLength alone goes on to the target, and its answer comes back;
 * everything else is answered here.
 */
export class TextExchange {
  readonly #record: TargetRecord;
  readonly #substitutions: Substitutions;
  readonly #onDenied: (keys: readonly string[]) => void;
  readonly #declarations = new Declarations();
  readonly #maxRecv: Record<Side, number>;

  /**
   * @param record the session's target as this initiator may see it
   * @param maxRecv what each side takes in one PDU, as the login settled it
   * @param onDenied hears of keys that got nothing of what they ask for
   */
  constructor(
    record: TargetRecord,
    substitutions: Substitutions,
    maxRecv: NegotiatedParameters['maxRecvDataSegmentLength'],
    onDenied: (keys: readonly string[]) => void,
  ) {
    this.#record = record;
    this.#substitutions = substitutions;
    this.#maxRecv = { ...maxRecv };
    this.#onDenied = onDenied;
  }

  /** The most that this side takes in one PDU by now, in bytes. */
  maxRecv(side: Side): number {
    return this.#maxRecv[side];
  }

  /**
   * Takes a Text Request, with the target leg's ExpStatSN.
   *
   * @returns what goes on to the target: the declaration, or a NOP-Out
   * @throws ProtocolError
   */
  request(pdu: Pdu): Pdu {
    const { continues, final, targetTransferTag, initiatorTaskTag } = decodeBhs('textRequest', pdu.bhs);
    if (continues || !final || targetTransferTag !== RESERVED_TAG) {
      throw new ProtocolError('bad_flags', 'a Text Request in pieces in a Normal session');
    }
    const keys = parseKeys(pdu.data);
    if (isDeclarationOnly(keys)) {
      this.#declarations.add(initiatorTaskTag);
      this.#declare('initiator', keys);
      return pdu;
    }
    const { text, denied } = answerSessionText(keys, this.#record);
    if (text.length > this.#maxRecv.initiator) {
      throw new ProtocolError('text_too_long', 'a Text Request whose answer would not fit into one PDU');
    }
    if (denied.length > 0) this.#onDenied(denied);
    if (this.#substitutions.count(Opcode.textRequest) >= MAX_TEXTS) {
      throw new ProtocolError('too_many_pieces', `more than ${MAX_TEXTS} Text Requests without an answer`);
    }
    const bhs = this.#substitutions.replace(pdu.bhs, textAnswer(initiatorTaskTag, text));
    return { bhs, ahs: NOTHING, data: NOTHING };
  }

  /**
   * Takes a Text Response, which can only be the answer to a declaration.
   *
   * @throws ProtocolError
   */
  response(pdu: Pdu): void {
    const { initiatorTaskTag, final } = decodeBhs('textResponse', pdu.bhs);
    const keys = parseKeys(pdu.data);
    const isExpected = this.#declarations.answered(initiatorTaskTag) && final;
    if (!isExpected || (keys.size > 0 && !isDeclarationOnly(keys))) {
      throw new ProtocolError('bad_text', 'the target sent text that nobody asked for');
    }
    const isDeclared = !NON_ANSWERS.has(keys.get('MaxRecvDataSegmentLength') ?? '');
    if (isDeclared) this.#declare('target', keys);
  }

  /** The target has rejected a declaration. */
  rejected(initiatorTaskTag: number): void {
    this.#declarations.answered(initiatorTaskTag);
  }

  /** From now on the other side may send what this side declares; until it knows, what held before. */
  #declare(side: Side, keys: ReadonlyMap<string, string>): void {
    const value = keys.get('MaxRecvDataSegmentLength');
    if (value === undefined) return;
    this.#maxRecv[side] = Math.max(this.#maxRecv[side], readMaxRecvDataSegmentLength(value));
  }
}
