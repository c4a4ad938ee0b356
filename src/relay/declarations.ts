import { RESERVED_TAG } from '../iscsi/bhs.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';

/** More than any initiator declares at once; a target that never answers must not cost memory. */
const MAX_DECLARING = 64;

/** Declarations of a new MaxRecvDataSegmentLength that the target has yet to answer. */
export class Declarations {
  readonly #tags = new Set<number>();

  /** @throws ProtocolError `bad_sequence` or `too_many_pieces` */
  add(initiatorTaskTag: number): void {
    if (initiatorTaskTag === RESERVED_TAG || this.#tags.has(initiatorTaskTag)) {
      throw new ProtocolError('bad_sequence', 'a declaration whose task tag is reserved or in use');
    }
    if (this.#tags.size === MAX_DECLARING) {
      throw new ProtocolError('too_many_pieces', `more than ${MAX_DECLARING} declarations without an answer`);
    }
    this.#tags.add(initiatorTaskTag);
  }

  /** @returns true if this declaration was waiting for its answer */
  answered(initiatorTaskTag: number): boolean {
    return this.#tags.delete(initiatorTaskTag);
  }
}
