import { Offset, setU32At, u32At } from '../iscsi/bhs.ts';
import { serialAdd } from '../iscsi/serialArithmetic.ts';

/**
 * StatSN of two legs. The initiator sees the gateway's own counter; the target is told what the gateway has received.
 * At ErrorRecoveryLevel 0 nothing is retransmitted, so neither side needs the other's numbers (RFC 7143 §3.2.2.2, §7.1.5).
 */
export class Legs {
  #statSN: number;
  #expStatSN: number;
  #initiatorExpStatSN: number;

  /**
   * @param statSN number of the next response to the initiator
   * @param expStatSN number that the target's next response is expected to carry
   */
  constructor(statSN: number, expStatSN: number) {
    this.#statSN = statSN;
    this.#expStatSN = expStatSN;
    this.#initiatorExpStatSN = statSN;
  }

  /**
   * Writes the target leg's ExpStatSN into a request.
   *
   * @returns true if the header changed
   */
  patchRequest(bytes: Buffer, at: number): boolean {
    const said = this.noteInitiator(bytes, at);
    const field = at + Offset.expStatSN;
    if (said === this.#expStatSN) return false;
    setU32At(bytes, field, this.#expStatSN);
    return true;
  }

  /** Takes down what the initiator says in a request that does not go on. */
  noteInitiator(bytes: Buffer, at: number): number {
    this.#initiatorExpStatSN = u32At(bytes, at + Offset.expStatSN);
    return this.#initiatorExpStatSN;
  }

  /**
   * Writes the initiator leg's StatSN into a response.
   *
   * @param advances false for R2T and for a NOP-In that answers nothing: they show the next number and do not use it up
   * @returns true if the header changed
   */
  patchResponse(bytes: Buffer, at: number, advances: boolean): boolean {
    const field = at + Offset.statSN;
    const said = u32At(bytes, field);
    if (advances) this.received(said);
    const ours = advances ? this.take() : this.#statSN;
    if (said === ours) return false;
    setU32At(bytes, field, ours);
    return true;
  }

  /** The target has used up a number. */
  received(targetStatSN: number): void {
    this.#expStatSN = serialAdd(targetStatSN, 1);
  }

  /** The number of a response that goes to the initiator now. */
  take(): number {
    const statSN = this.#statSN;
    this.#statSN = serialAdd(statSN, 1);
    return statSN;
  }

  /** What the initiator last said, for a header of its own that is shown back to it. */
  get initiatorExpStatSN(): number {
    return this.#initiatorExpStatSN;
  }
}
