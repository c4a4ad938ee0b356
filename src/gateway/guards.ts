import { Failure } from '../failures.ts';
import type { InitiatorRule } from '../policy/rules.ts';

/** One authenticated connection of an initiator, from the end of its authentication to its own end. */
export interface Presence {
  readonly initiatorName: string;
  /** SHA-256 fingerprint of the certificate. */
  readonly certificate: string;
  /** Its serial number. */
  readonly serial: string;
  /** All names in it; a certificate that was renewed has those of the old one. */
  readonly names: string;
  readonly address: string;
  /** Of a Normal session: what reinstates one another (RFC 7143 §6.3.5), so that the two count as one. */
  readonly nexus?: string;
}

export interface Entrance {
  /** The same initiator that is there with another certificate or from another address, unless the rule is a cluster's. */
  readonly duplicateOf?: Presence;
  /** May be called more than once. */
  readonly leave: () => void;
}

/** Who is there now, by initiator name: what is suspicious, and what would be too much. */
export class Guards {
  readonly #present = new Map<string, Set<Presence>>();

  /**
   * Lets one more connection of an initiator in.
   *
   * @throws Failure `too_many_sessions`
   */
  enter(presence: Presence, rule: InitiatorRule): Entrance {
    const { initiatorName, nexus } = presence;
    const there = this.#present.get(initiatorName) ?? new Set();
    // Discovery sessions are counted by themselves: a host that has all its sessions may still look for targets.
    const isDiscovery = nexus === undefined;
    const alike = [...there].filter((other) => (other.nexus === undefined) === isDiscovery);
    const others = alike.filter((other) => isDiscovery || other.nexus !== nexus);
    if (others.length >= rule.maxSessions) {
      throw new Failure(
        'too_many_sessions',
        `${initiatorName} has ${others.length} ${isDiscovery ? 'discovery ' : ''}sessions, no more are taken (rule ${rule.id}, ${rule.location}: maxSessions, or limits.sessionsPerInitiator)`,
      );
    }
    const duplicateOf = rule.cluster ? undefined : [...there].find((other) => isElsewhere(other, presence));
    const own = { ...presence };
    this.#present.set(initiatorName, there.add(own));
    const leave = (): void => {
      there.delete(own);
      if (there.size === 0 && this.#present.get(initiatorName) === there) this.#present.delete(initiatorName);
    };
    return { ...(duplicateOf && { duplicateOf }), leave };
  }
}

function isElsewhere(one: Presence, other: Presence): boolean {
  const isSameHolder = one.certificate === other.certificate || one.names === other.names;
  return one.address !== other.address || !isSameHolder;
}
