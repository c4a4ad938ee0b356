import type { AdditionalSense } from '../scsi/sense.ts';

/**
 * Unit attention conditions, by initiator port (SAM-5 §5.14). A new nexus gets no POWER ON condition: nothing that
 * an initiator may have cached about the logical unit outlives the target, and firmware that boots from the disk
 * often takes a failed first command for a dead disk.
 */
export class UnitAttentions {
  readonly #pending = new Map<string, AdditionalSense[]>();

  /** From now on `raiseForAll` reaches this port. */
  know(initiatorPort: string): void {
    if (!this.#pending.has(initiatorPort)) this.#pending.set(initiatorPort, []);
  }

  forget(initiatorPort: string): void {
    this.#pending.delete(initiatorPort);
  }

  /**
   * Raised twice it is still one condition, so a nexus that collects none costs no more than there are kinds.
   * A port without a session is not told later: its state is gone with its nexus (SAM-5 §6.3.4).
   */
  raise(initiatorPort: string, condition: AdditionalSense): void {
    const pending = this.#pending.get(initiatorPort);
    if (pending === undefined || pending.includes(condition)) return;
    pending.push(condition);
  }

  raiseForAll(condition: AdditionalSense): void {
    for (const initiatorPort of this.#pending.keys()) this.raise(initiatorPort, condition);
  }

  /** The oldest condition, which is thereby cleared. */
  take(initiatorPort: string): AdditionalSense | undefined {
    return this.#pending.get(initiatorPort)?.shift();
  }
}
