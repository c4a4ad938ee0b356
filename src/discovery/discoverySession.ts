import { opcodeAt, RESERVED_TAG } from '../iscsi/bhs.ts';
import { decodeBhs, type PduFields } from '../iscsi/layouts.ts';
import { parseIscsiName } from '../iscsi/names.ts';
import { describeOpcode, Opcode } from '../iscsi/opcode.ts';
import { encodePdu, type Pdu } from '../iscsi/pdu.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import { serialAdd } from '../iscsi/serialArithmetic.ts';
import { MAX_TEXT_LENGTH, parseKeys, TextAssembler } from '../iscsi/text.ts';
import { encodeTargetRecords, type TargetRecord } from './sendTargets.ts';

export type DiscoveryStep =
  | { readonly kind: 'send'; readonly response: Buffer }
  /** Read on. */
  | { readonly kind: 'nothing' }
  /** Call `answer` with the targets; `name` is normalised, absent for all. */
  | { readonly kind: 'sendTargets'; readonly name?: string }
  /** Send the response, then close. */
  | { readonly kind: 'logout'; readonly response: Buffer };

/** Reason codes of the Reject PDU (RFC 7143 §11.17.1). */
const COMMAND_NOT_SUPPORTED = 0x05;
/** Any tag but the reserved one: an answer has one continuation at a time. */
const CONTINUATION_TAG = 1;

/**
 * The target's side of a discovery session in full feature phase: SendTargets, NOP, Logout and nothing else
 * (RFC 7143 §4.3, Appendix C).
 */
export class DiscoverySession {
  readonly #maxDataSegmentLength: number;
  readonly #text = new TextAssembler({ maxLength: MAX_TEXT_LENGTH, maxPieces: 16 });
  #statSN: number;
  #expCmdSN: number;
  #request: PduFields<'textRequest'> | undefined;
  /** What of the answer has not been sent yet. */
  #pending: Buffer | undefined;

  /**
   * @param start.statSN number of the next response
   * @param start.cmdSN number of the first command
   * @param start.maxDataSegmentLength what the initiator takes in one PDU, in bytes
   */
  constructor(start: { statSN: number; cmdSN: number; maxDataSegmentLength: number }) {
    this.#statSN = start.statSN;
    this.#expCmdSN = start.cmdSN;
    this.#maxDataSegmentLength = start.maxDataSegmentLength;
  }

  /** @throws ProtocolError */
  receive(pdu: Pdu): DiscoveryStep {
    switch (opcodeAt(pdu.bhs, 0)) {
      case Opcode.textRequest:
        return this.#textRequest(pdu);
      case Opcode.nopOut:
        return this.#nopOut(pdu);
      case Opcode.logoutRequest: {
        const { initiatorTaskTag, cmdSN, immediate } = decodeBhs('logoutRequest', pdu.bhs);
        this.#take(cmdSN, immediate);
        return {
          kind: 'logout',
          response: encodePdu('logoutResponse', { final: true, initiatorTaskTag, ...this.#numbers() }),
        };
      }
      default:
        return this.#reject(pdu);
    }
  }

  /** Answers a `sendTargets` step. */
  answer(records: readonly TargetRecord[]): Buffer {
    this.#pending = encodeTargetRecords(records);
    return this.#nextPiece();
  }

  #textRequest(pdu: Pdu): DiscoveryStep {
    const request = decodeBhs('textRequest', pdu.bhs);
    this.#take(request.cmdSN, request.immediate);
    this.#request = request;
    if (this.#pending !== undefined && request.targetTransferTag === CONTINUATION_TAG) {
      return { kind: 'send', response: this.#nextPiece() };
    }
    this.#pending = undefined;
    const message = this.#text.add(pdu.data, request.continues);
    if (message === undefined) {
      return {
        kind: 'send',
        response: this.#textResponse(Buffer.alloc(0), { final: false, continues: false }),
      };
    }
    const keys = parseKeys(message);
    const which = keys.get('SendTargets');
    if (which === undefined || keys.size > 1) {
      throw new ProtocolError('bad_text', 'a discovery session is for SendTargets alone');
    }
    return which === 'All' ? { kind: 'sendTargets' } : { kind: 'sendTargets', name: parseIscsiName(which) };
  }

  #nextPiece(): Buffer {
    const piece = this.#pending!.subarray(0, this.#maxDataSegmentLength);
    const rest = this.#pending!.subarray(piece.length);
    this.#pending = rest.length > 0 ? rest : undefined;
    return this.#textResponse(piece, { final: rest.length === 0, continues: rest.length > 0 });
  }

  #textResponse(data: Buffer, flags: { final: boolean; continues: boolean }): Buffer {
    const { initiatorTaskTag } = this.#request!;
    const targetTransferTag = flags.final ? RESERVED_TAG : CONTINUATION_TAG;
    return encodePdu(
      'textResponse',
      { ...flags, initiatorTaskTag, targetTransferTag, ...this.#numbers() },
      data,
    );
  }

  #nopOut(pdu: Pdu): DiscoveryStep {
    const { initiatorTaskTag, cmdSN, immediate } = decodeBhs('nopOut', pdu.bhs);
    this.#take(cmdSN, immediate);
    if (initiatorTaskTag === RESERVED_TAG) return { kind: 'nothing' }; // wants no answer (RFC 7143 §11.18)
    const targetTransferTag = RESERVED_TAG;
    const numbers = this.#numbers();
    const echo = pdu.data.subarray(0, this.#maxDataSegmentLength);
    return {
      kind: 'send',
      response: encodePdu('nopIn', { final: true, initiatorTaskTag, targetTransferTag, ...numbers }, echo),
    };
  }

  #reject(pdu: Pdu): DiscoveryStep {
    const opcode = opcodeAt(pdu.bhs, 0);
    if (opcode === Opcode.loginRequest)
      throw new ProtocolError('bad_opcode', `${describeOpcode(opcode)} after login`);
    if (opcode === Opcode.scsiCommand || opcode === Opcode.taskManagementRequest) {
      const { cmdSN, immediate } = decodeBhs('scsiCommand', pdu.bhs); // where both have them
      this.#take(cmdSN, immediate);
    }
    return {
      kind: 'send',
      response: encodePdu(
        'reject',
        { final: true, reason: COMMAND_NOT_SUPPORTED, initiatorTaskTag: RESERVED_TAG, ...this.#numbers() },
        pdu.bhs,
      ),
    };
  }

  #take(cmdSN: number, immediate: boolean): void {
    if (cmdSN !== this.#expCmdSN) {
      throw new ProtocolError('bad_sequence', `command number ${cmdSN} where ${this.#expCmdSN} was due`);
    }
    if (!immediate) this.#expCmdSN = serialAdd(cmdSN, 1);
  }

  #numbers(): { statSN: number; expCmdSN: number; maxCmdSN: number } {
    const statSN = this.#statSN;
    this.#statSN = serialAdd(statSN, 1);
    return { statSN, expCmdSN: this.#expCmdSN, maxCmdSN: this.#expCmdSN };
  }
}
