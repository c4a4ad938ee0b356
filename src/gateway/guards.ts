import { Failure } from '../failures.ts';
import type { InitiatorRule } from '../policy/rules.ts';
import type { Peer } from '../telemetry/events.ts';

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
  /** That of the Normal session, if one comes of it. Unique as long as the gateway runs. */
  readonly id: number;
  /** The same initiator that is there with another certificate or from another address, unless the rule is a cluster's. */
  readonly duplicateOf?: Presence;
  /**
   * A Normal session takes its place. Another one with the same nexus is ended by it; resolves when it has left.
   *
   * @returns aborts, with a Failure, when this session has to end at once
   * @throws Failure if the other one does not end
   */
  readonly begin: (session: BegunSession) => Promise<AbortSignal>;
  /** May be called more than once. */
  readonly leave: () => void;
}

/** As whoever is told of its end has to know it. */
export interface BegunSession {
  readonly peer: Peer;
  readonly target: string;
}

/** What the rule of whoever comes says of those who are there already. */
export type PresenceRule = Pick<InitiatorRule, 'id' | 'location' | 'maxSessions' | 'cluster'>;

/** Knows who is there, on whichever worker. */
export interface Doorkeeper {
  /**
   * Lets one more connection of an initiator in.
   *
   * @throws Failure `too_many_sessions`
   */
  enter(presence: Presence, rule: PresenceRule): Entrance | Promise<Entrance>;
}

/** Sockets close at once; a worker that does not get to it is ended by its supervisor. */
const REINSTATEMENT_MS = 10_000;

/** Who is there now, by initiator name: what is suspicious, what would be too much, and what takes another's place. */
export class Guards implements Doorkeeper {
  readonly #present = new Map<string, Set<Inside>>();
  /** Normal sessions that have begun, by their id. */
  readonly #sessions = new Map<number, Inside>();
  #nextId = 1;

  enter(presence: Presence, rule: PresenceRule): Entrance {
    const { initiatorName, nexus } = presence;
    const there = this.#present.get(initiatorName) ?? new Set();
    // Discovery sessions are counted by themselves: a host that has all its sessions may still look for targets.
    const isDiscovery = nexus === undefined;
    const alike = [...there].filter((other) => (other.presence.nexus === undefined) === isDiscovery);
    const others = alike.filter((other) => isDiscovery || other.presence.nexus !== nexus);
    if (others.length >= rule.maxSessions) {
      throw new Failure(
        'too_many_sessions',
        `${initiatorName} has ${others.length} ${isDiscovery ? 'discovery ' : ''}sessions, no more are taken (rule ${rule.id}, ${rule.location}: maxSessions, or limits.sessionsPerInitiator)`,
      );
    }
    const duplicateOf = rule.cluster
      ? undefined
      : [...there].find((other) => isElsewhere(other.presence, presence))?.presence;
    const own = new Inside(isDiscovery ? 0 : this.#nextId++, { ...presence });
    this.#present.set(initiatorName, there.add(own));
    const leave = (): void => {
      there.delete(own);
      this.#sessions.delete(own.id);
      if (there.size === 0 && this.#present.get(initiatorName) === there) this.#present.delete(initiatorName);
      own.left();
    };
    return {
      id: own.id,
      ...(duplicateOf && { duplicateOf }),
      begin: () => this.#begin(own, there),
      leave,
    };
  }

  /** Normal sessions that there are. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /** Has a Normal session end at once. @returns false if there is none with this id */
  end(id: number, failure: Failure): boolean {
    const session = this.#sessions.get(id);
    session?.ending.abort(failure);
    return session !== undefined;
  }

  async #begin(own: Inside, there: ReadonlySet<Inside>): Promise<AbortSignal> {
    const { id, presence } = own;
    const replaced = [...there].filter(
      (other) => this.#sessions.has(other.id) && other.presence.nexus === presence.nexus,
    );
    if (there.has(own)) this.#sessions.set(id, own);
    if (replaced.length === 0) return own.ending.signal;
    for (const other of replaced) {
      const message = `session ${id} of the same initiator, ISID and target replaces it`;
      other.ending.abort(new Failure('reinstated', message));
    }
    await within(REINSTATEMENT_MS, Promise.all(replaced.map(({ hasLeft }) => hasLeft)), () => {
      const ids = replaced.map((other) => other.id).join(', ');
      return new Failure('worker_lost', `session ${ids}, which this one replaces, does not end`);
    });
    return own.ending.signal;
  }
}

class Inside {
  readonly id: number;
  readonly presence: Presence;
  readonly ending = new AbortController();
  readonly hasLeft: Promise<void>;
  left!: () => void;

  constructor(id: number, presence: Presence) {
    this.id = id;
    this.presence = presence;
    this.hasLeft = new Promise((resolve) => (this.left = resolve));
  }
}

async function within(ms: number, done: Promise<unknown>, failure: () => Failure): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(failure()), ms);
  });
  await Promise.race([done, tooLate]).finally(() => clearTimeout(timer));
}

function isElsewhere(one: Presence, other: Presence): boolean {
  const isSameHolder = one.certificate === other.certificate || one.names === other.names;
  return one.address !== other.address || !isSameHolder;
}
