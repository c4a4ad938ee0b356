import { RESERVED_TAG } from '../iscsi/bhs.ts';
import { decodeBhs, encodeBhs } from '../iscsi/layouts.ts';
import { encodePdu, type Digests, type Pdu } from '../iscsi/pdu.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';

/** More than any initiator has under way: each holds memory until the array's NOP-In comes. */
const MAX_PENDING = 64;

/**
 * A request that the gateway answers itself, without a gap in anybody's numbering: in its place a NOP-Out with the same task tag
 * and CmdSN goes to the target, and the NOP-In that comes back becomes the answer. CmdSN, MaxCmdSN and the order of tasks stay
 * the target's own (RFC 7143 §3.2.2, §11.18).
 */
export class Substitutions {
  readonly #pending = new Map<number, { readonly request: Buffer; readonly text: Buffer }>();

  /**
   * Takes a Text Request out of the stream.
   *
   * @param text the data segment of the Text Response to come
   * @returns the BHS of the NOP-Out that goes in its place
   * @throws ProtocolError `bad_sequence` for a task tag that is in use, `too_many_pieces`
   */
  replace(request: Buffer, text: Buffer): Buffer {
    const { immediate, initiatorTaskTag, cmdSN, expStatSN } = decodeBhs('textRequest', request);
    if (initiatorTaskTag === RESERVED_TAG || this.#pending.has(initiatorTaskTag)) {
      throw new ProtocolError('bad_sequence', 'a Text Request whose task tag is reserved or in use');
    }
    if (this.#pending.size === MAX_PENDING) {
      throw new ProtocolError('too_many_pieces', `more than ${MAX_PENDING} Text Requests under way`);
    }
    this.#pending.set(initiatorTaskTag, { request: Buffer.from(request), text });
    const targetTransferTag = RESERVED_TAG;
    return encodeBhs('nopOut', {
      immediate,
      final: true,
      initiatorTaskTag,
      targetTransferTag,
      cmdSN,
      expStatSN,
    });
  }

  has(initiatorTaskTag: number): boolean {
    return this.#pending.size > 0 && this.#pending.has(initiatorTaskTag);
  }

  /** The initiator's own header, if the target rejects what was sent in its place. */
  rejected(initiatorTaskTag: number): Buffer | undefined {
    const request = this.#pending.get(initiatorTaskTag)?.request;
    this.#pending.delete(initiatorTaskTag);
    return request;
  }

  /** Turns the NOP-In that came back into the Text Response. */
  answer(nopIn: Pdu, statSN: number, digests: Digests): Buffer {
    const { initiatorTaskTag, expCmdSN, maxCmdSN } = decodeBhs('nopIn', nopIn.bhs);
    const { text } = this.#pending.get(initiatorTaskTag)!;
    this.#pending.delete(initiatorTaskTag);
    const targetTransferTag = RESERVED_TAG;
    return encodePdu(
      'textResponse',
      { final: true, initiatorTaskTag, targetTransferTag, statSN, expCmdSN, maxCmdSN },
      text,
      digests,
    );
  }
}
