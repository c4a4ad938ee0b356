import { Failure } from '../failures.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import type { Side } from '../iscsi/side.ts';
import type { TextKeys, TextPair } from '../iscsi/text.ts';
import { KEYS, NON_ANSWERS } from './keys.ts';
import { Negotiation, type NegotiatedParameters } from './negotiation.ts';

/**
 * Values that the gateway holds, whatever the two sides would like: one connection a session and no recovery level that
 * needs retransmission, and nothing that changes the framing.
 */
const HELD: ReadonlyMap<string, string> = new Map([
  ['MaxConnections', '1'],
  ['ErrorRecoveryLevel', '0'],
  ['IFMarker', 'No'],
  ['OFMarker', 'No'],
  ['RDMAExtensions', 'No'],
]);

/**
 * Operational negotiation between the real initiator and the real array, seen by the gateway in the middle: it lets known keys
 * pass, holds a few, answers unknown ones itself, and knows at the end what the two agreed on.
 */
export class PassThroughNegotiation {
  readonly #negotiation = new Negotiation();
  #unanswered: TextPair[] = [];
  /** Keys that the initiator said again: the target hears of them once, the initiator gets the answer again. */
  #repeated: string[] = [];

  /**
   * @returns what goes on to the target
   * @throws ProtocolError for a key that has no place in an initiator's operational negotiation
   */
  fromInitiator(keys: TextKeys): TextPair[] {
    const forward: TextPair[] = [];
    for (const [key, value] of keys) {
      const rule = KEYS.get(key);
      if (rule === undefined) {
        this.#unanswered.push([key, 'NotUnderstood']);
      } else if (
        rule.kind === 'identity' ||
        rule.kind === 'security' ||
        (rule.kind === 'declared' && rule.by === 'target')
      ) {
        throw new ProtocolError('bad_text', `${key} has no place in operational negotiation`);
      } else if (this.#negotiation.isRepeated('initiator', key, this.#held(key, value))) {
        this.#repeated.push(key);
      } else {
        forward.push([key, this.#held(key, value)]);
      }
    }
    this.#record('initiator', forward);
    return forward;
  }

  /**
   * @returns what goes on to the initiator: never an address, nor a portal group tag, which the gateway gave itself
   * @throws Failure `backend_protocol`: what the target says amiss is not the initiator's error
   */
  fromTarget(keys: TextKeys): TextPair[] {
    const forward: TextPair[] = this.#unanswered;
    this.#unanswered = [];
    for (const [key, value] of keys) {
      const rule = KEYS.get(key);
      const isNegotiable = rule !== undefined && rule.kind !== 'identity' && rule.kind !== 'security';
      const isOwn = key === 'TargetAddress' || key === 'TargetPortalGroupTag';
      if (isNegotiable && !isOwn) forward.push([key, this.#held(key, value)]);
    }
    try {
      this.#record(
        'target',
        forward.filter(([key]) => KEYS.has(key)),
      );
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      throw new Failure('backend_protocol', `the target's answer: ${error.message}`, { cause: error });
    }
    return [...forward, ...this.#answersAgain(forward)];
  }

  get parameters(): NegotiatedParameters {
    return this.#negotiation.parameters;
  }

  #answersAgain(forward: readonly TextPair[]): TextPair[] {
    const answered = new Set(forward.map(([key]) => key));
    const pairs = this.#repeated.flatMap((key): TextPair[] => {
      const outcome = KEYS.get(key)?.kind === 'declared' ? undefined : this.#negotiation.outcome(key);
      return outcome === undefined || answered.has(key) ? [] : [[key, outcome]];
    });
    this.#repeated = [];
    return pairs;
  }

  /** Reads what is settled by now, so that a value that no rule allows is held against the side that said it. */
  #record(side: Side, pairs: readonly TextPair[]): void {
    this.#negotiation.record(side, pairs);
    void this.#negotiation.parameters;
  }

  #held(key: string, value: string): string {
    // "Reject" and its like are answers about the key, not values of it.
    return HELD.has(key) && !NON_ANSWERS.has(value) ? HELD.get(key)! : value;
  }
}
