import { Failure } from '../failures.ts';
import { hostNetwork } from '../transport/hostNetwork.ts';
import { Places, type PlaceLimits } from './places.ts';

export interface AnteroomLimits {
  /** Connections before authentication, in total. */
  readonly unauthenticated: number;
  /** By hostNetwork. */
  readonly unauthenticatedPerAddress: number;
  /** Tunnels that were dialled ahead, in total. */
  readonly waiting: number;
  readonly waitingPerCertificate: number;
}

/** A connection's place: among strangers first, then maybe among those that wait, at last nowhere. */
export interface Place {
  /** May be called more than once. */
  readonly leave: () => void;
  /** Exchanges it for one among those that wait. @returns false if there is none, and nothing has changed */
  readonly wait: (sha256: string) => boolean;
}

/**
 * Counts the connections that have not authenticated yet, on whichever worker, from the moment TCP accepts them: a flood of them
 * must cost neither memory nor the places of those who are let in (RFC 7143 §9.1).
 *
 * Tunnels that a stub dialled ahead have shown a good certificate, and are not to take the places of strangers: they have places of
 * their own, each to the end of its login. Where there is none, none is made: the newcomer stays under the bounds of strangers, so
 * that nobody pushes out who waits, and no tunnel is closed just as it is given to an initiator.
 */
export class Anteroom {
  readonly #strangers: Places;
  readonly #waiting: Places;
  #turnedAway = 0;

  constructor(limits: AnteroomLimits) {
    this.#strangers = new Places(ofStrangers(limits));
    this.#waiting = new Places(ofWaiting(limits));
  }

  /** From now on; nobody has to leave. */
  use(limits: AnteroomLimits): void {
    this.#strangers.limits = ofStrangers(limits);
    this.#waiting.limits = ofWaiting(limits);
  }

  /** @throws Failure `too_many_connections` */
  enter(address: string): Place {
    // One host has a whole network of IPv6 addresses to come from.
    const from = hostNetwork(address);
    const entered = this.#strangers.take(from);
    if (typeof entered !== 'function') {
      const { limit, taken } = entered;
      const [whence, key] =
        limit === 'total' ? ['', 'unauthenticated'] : [` from ${from}`, 'unauthenticatedPerAddress'];
      throw new Failure(
        'too_many_connections',
        `${taken} connections${whence} are before authentication, no more are taken (limits.${key})`,
      );
    }
    let hasLeft = false;
    let leave = entered;
    return {
      leave: () => {
        hasLeft = true;
        leave();
      },
      wait: (sha256) => {
        if (hasLeft) return false;
        const place = this.#waiting.take(sha256);
        if (typeof place !== 'function') {
          this.#turnedAway++;
          return false;
        }
        leave();
        leave = place;
        return true;
      },
    };
  }

  /** Connections that have not authenticated, but for those that wait. */
  get strangers(): number {
    return this.#strangers.taken;
  }

  /** Tunnels that were dialled ahead: they wait for their initiator, or it is in its login. */
  get waiting(): number {
    return this.#waiting.taken;
  }

  /** Tunnels, so far, that were to wait and found no place. */
  get turnedAway(): number {
    return this.#turnedAway;
  }
}

function ofStrangers({ unauthenticated, unauthenticatedPerAddress }: AnteroomLimits): PlaceLimits {
  return { total: unauthenticated, perKey: unauthenticatedPerAddress };
}

function ofWaiting({ waiting, waitingPerCertificate }: AnteroomLimits): PlaceLimits {
  return { total: waiting, perKey: waitingPerCertificate };
}
