import { Failure } from '../failures.ts';
import type { Traffic } from '../telemetry/events.ts';
import type { Session } from './session.ts';

/** All sessions in full feature phase, and what the ended ones have carried. */
export class SessionTable {
  readonly #sessions = new Map<number, Session>();
  readonly #ended = { initiator: { pdus: 0, bytes: 0 }, target: { pdus: 0, bytes: 0 } };
  #nextId = 1;

  newId(): number {
    return this.#nextId++;
  }

  /** Adds a session; one with the same initiator, ISID and target is reinstated by it, so it ends (RFC 7143 §6.3.5). */
  add(session: Session): void {
    for (const other of this.#sessions.values()) {
      if (other.nexus === session.nexus) {
        other.end(
          new Failure(
            'reinstated',
            `session ${session.id} of the same initiator, ISID and target replaces it`,
          ),
        );
      }
    }
    this.#sessions.set(session.id, session);
  }

  remove(session: Session): void {
    if (!this.#sessions.delete(session.id)) return;
    for (const side of ['initiator', 'target'] as const) {
      this.#ended[side].pdus += session.relay.traffic[side].pdus;
      this.#ended[side].bytes += session.relay.traffic[side].bytes;
    }
  }

  endAll(failure: Failure): void {
    for (const session of this.#sessions.values()) session.end(failure);
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Since the start, ended sessions included. */
  traffic(from: 'initiator' | 'target'): Traffic {
    let { pdus, bytes } = this.#ended[from];
    for (const { relay } of this.#sessions.values()) {
      pdus += relay.traffic[from].pdus;
      bytes += relay.traffic[from].bytes;
    }
    return { pdus, bytes };
  }
}
