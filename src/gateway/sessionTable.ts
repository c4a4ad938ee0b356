import { setImmediate } from 'node:timers/promises';
import type { Failure } from '../failures.ts';
import type { SessionSummary } from '../telemetry/sessionSummary.ts';
import type { InForce } from './inForce.ts';
import type { Session } from './session.ts';
import { NOTHING_PASSED, sumOfTraffic, type TrafficBySide } from './traffic.ts';

/** About 10 ms of work. */
const RECONSIDERED_AT_ONCE = 50;

/** All sessions of this process in full feature phase, and what the ended ones have carried. */
export class SessionTable {
  readonly #sessions = new Map<number, Session>();
  #ended = NOTHING_PASSED;
  #onEmpty: (() => void) | undefined;
  /** All are to leave, and so is whoever ends its login meanwhile. */
  #dismissal: { readonly failure: Failure; readonly until: number } | undefined;

  add(session: Session): void {
    this.#sessions.set(session.id, session);
    if (this.#dismissal === undefined) return;
    const { failure, until } = this.#dismissal;
    session.dismiss(failure, Math.max(0, until - performance.now()));
  }

  remove(session: Session): void {
    if (!this.#sessions.delete(session.id)) return;
    if (this.#sessions.size === 0) this.#onEmpty?.();
    this.#ended = sumOfTraffic([this.#ended, session.relay.traffic]);
  }

  endAll(failure: Failure): void {
    for (const session of this.#sessions.values()) session.end(failure);
  }

  /**
   * Has every session that there is go by what holds now; some at a time, for each costs signatures, and the others' commands are not
   * to wait for that.
   *
   * @returns how many end
   */
  async reconsiderAll(inForce: InForce, graceMs: number): Promise<number> {
    let ended = 0;
    for (const [index, session] of [...this.#sessions.values()].entries()) {
      if (index > 0 && index % RECONSIDERED_AT_ONCE === 0) await setImmediate();
      const isThere = this.#sessions.has(session.id);
      if (isThere && !session.reconsider(inForce, graceMs)) ended++;
    }
    return ended;
  }

  /** Looks again at those behind whom a certificate has ended. */
  reconsiderExpired(inForce: InForce, now: number, graceMs: number): void {
    for (const session of this.#sessions.values()) {
      if (session.isExpired(inForce, now)) session.reconsider(inForce, graceMs);
    }
  }

  /** Asks all initiators to log out. Resolves when every session has ended, which all have when the time is over. */
  dismissAll(failure: Failure, graceMs: number): Promise<void> {
    this.#dismissal = { failure, until: performance.now() + graceMs };
    if (this.#sessions.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
      for (const session of this.#sessions.values()) session.dismiss(failure, graceMs);
    });
  }

  get summaries(): SessionSummary[] {
    return [...this.#sessions.values()].map(({ summary }) => summary);
  }

  /** Since the start, ended sessions included. */
  get traffic(): TrafficBySide {
    const running = [...this.#sessions.values()].map(({ relay }) => relay.traffic);
    return sumOfTraffic([this.#ended, ...running]);
  }
}
