export interface WaitingLimits {
  /** Tunnels in total. */
  readonly waiting: number;
  readonly waitingPerCertificate: number;
}

/** A connection's place: in the anteroom first, then maybe among those that wait, at last nowhere. */
export interface Place {
  /** May be called more than once. */
  readonly leave: () => void;
  /** Leaves the anteroom for a place among those that wait. @returns false if there is none */
  readonly wait: (sha256: string) => boolean;
}

/**
 * Counts the tunnels that a stub dialled ahead, on whichever worker: they have shown a good certificate, and are not to take the
 * places of strangers in the anteroom. Each keeps its place to the end of its login.
 *
 * Where there is none, none is made: the newcomer stays in the anteroom under the bounds that hold there, so that nobody
 * pushes out who waits, and no tunnel is closed just as it is given to an initiator.
 */
export class WaitingPlaces {
  /** For whoever comes from now on. */
  limits: WaitingLimits;
  readonly #byCertificate = new Map<string, number>();
  #total = 0;

  constructor(limits: WaitingLimits) {
    this.limits = limits;
  }

  /** @param leaveAnteroom may be called more than once */
  placeOf(leaveAnteroom: () => void): Place {
    let hasLeft = false;
    let leave = leaveAnteroom;
    return {
      leave: () => {
        hasLeft = true;
        leave();
      },
      wait: (sha256) => {
        const leaveThese = hasLeft ? undefined : this.#enter(sha256);
        if (leaveThese === undefined) return false;
        leave();
        leave = leaveThese;
        return true;
      },
    };
  }

  get size(): number {
    return this.#total;
  }

  #enter(sha256: string): (() => void) | undefined {
    const alike = this.#byCertificate.get(sha256) ?? 0;
    const { waiting, waitingPerCertificate } = this.limits;
    if (this.#total >= waiting || alike >= waitingPerCertificate) return undefined;
    this.#total++;
    this.#byCertificate.set(sha256, alike + 1);
    let isInside = true;
    return () => {
      if (!isInside) return;
      isInside = false;
      this.#total--;
      const left = this.#byCertificate.get(sha256)! - 1;
      if (left === 0) this.#byCertificate.delete(sha256);
      else this.#byCertificate.set(sha256, left);
    };
  }
}
