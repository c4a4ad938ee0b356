import type { Failure } from '../failures.ts';
import type { GatewayEvent, Peer } from '../telemetry/events.ts';

/** Somebody who was refused something, as the latest of equals: who asked for the same again is counted and not told twice. */
export interface Refusal {
  /** The latest of them; ISO 8601 in UTC. */
  readonly time: string;
  /** How many there were, the first included. */
  readonly count: number;
  /** Where it ended: before TLS, in the handshake, at login, or at a request in a session that goes on. */
  readonly stage: 'connection' | 'tls' | 'login' | 'request';
  readonly address: string;
  readonly certificate?: string;
  /** InitiatorName as it was sent. */
  readonly initiator?: string;
  readonly target?: string;
  /** As in the log: `acl_denied`, `hidden-lun`. */
  readonly reason: string;
  readonly detail: string;
  /** `db1 at config/gateway.yaml:12:3`: the rule that decided. */
  readonly rule?: string;
  /** False in shadow: it was let through. */
  readonly enforced: boolean;
}

/** Those whom no certificate vouches for have places of their own: a flood of them must not push the others out. */
const MAX_STRANGERS = 50;
const MAX_KNOWN = 50;
/** Of each text; names from the wire may be much longer. */
const MAX_LENGTH = 300;

/** The latest refusals; bounded in number and in length. */
export class Refusals {
  readonly #strangers = new Map<string, Refusal>();
  readonly #known = new Map<string, Refusal>();

  readonly observe = (event: GatewayEvent): void => {
    if (event.kind === 'refused') {
      this.#add('connection', event.peer, because(event.failure), 1 + event.suppressed);
    } else if (event.kind === 'handshake' && event.failure !== undefined) {
      this.#add('tls', event.peer, because(event.failure));
    } else if (event.kind === 'login' && event.failure !== undefined) {
      this.#add('login', event.peer, { ...event, ...because(event.failure) });
    } else if (event.kind === 'denied') {
      const what = { ...event, reason: event.denial, detail: event.what };
      this.#add('request', event.peer, what, 1 + event.suppressed);
    }
  };

  /** Newest first. */
  get latest(): readonly Refusal[] {
    return [...this.#strangers.values(), ...this.#known.values()].sort((a, b) => (a.time < b.time ? 1 : -1));
  }

  #add(stage: Refusal['stage'], { address, certificate, initiatorName }: Peer, what: What, count = 1): void {
    const { target, reason, detail, rule, enforced = true } = what;
    const refusal = {
      stage,
      address: bounded(address),
      ...(certificate !== undefined && { certificate: bounded(certificate) }),
      ...(initiatorName !== undefined && { initiator: bounded(initiatorName) }),
      ...(target !== undefined && { target: bounded(target) }),
      reason,
      detail: bounded(detail),
      ...(rule !== undefined && { rule: bounded(rule) }),
      enforced,
    };
    const isStranger = stage === 'connection' || stage === 'tls';
    const places = isStranger ? this.#strangers : this.#known;
    // Details of a flood may differ by no more than a port.
    const key = JSON.stringify(isStranger ? [stage, address, reason] : refusal);
    const earlier = places.get(key)?.count ?? 0;
    places.delete(key);
    places.set(key, { time: new Date().toISOString(), count: earlier + count, ...refusal });
    if (places.size > (isStranger ? MAX_STRANGERS : MAX_KNOWN)) places.delete(places.keys().next().value!);
  }
}

interface What {
  readonly target?: string;
  readonly reason: string;
  readonly detail: string;
  readonly rule?: string;
  readonly enforced?: boolean;
}

const because = ({ reason, message }: Failure) => ({ reason, detail: message });

function bounded(text: string): string {
  return text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH)}…`;
}
