import type { Digests } from '../iscsi/pdu.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import type { Side } from '../iscsi/side.ts';
import type { TextKeys, TextPair } from '../iscsi/text.ts';
import { parseNumericalValue } from '../iscsi/textValues.ts';
import { KEYS, MAX_RECV_DATA_SEGMENT_LENGTH, NON_ANSWERS, type KeyRule } from './keys.ts';

/** What both sides agreed on, read by whoever frames, transfers or relays. Lengths in bytes. */
export interface NegotiatedParameters {
  readonly digests: Digests;
  /** The most that each side takes in one PDU's data segment. */
  readonly maxRecvDataSegmentLength: Readonly<Record<Side, number>>;
  readonly initialR2T: boolean;
  readonly immediateData: boolean;
  readonly maxBurstLength: number;
  readonly firstBurstLength: number;
  readonly maxOutstandingR2T: number;
}

/**
 * Keeps what was offered and answered in one operational negotiation, whoever the two sides are. The value that stands
 * in the answer is the outcome (RFC 7143 §6.2); a key is negotiated once a login (§6.3).
 */
export class Negotiation {
  readonly #said: Readonly<Record<Side, Map<string, string>>> = { initiator: new Map(), target: new Map() };
  readonly #outcomes = new Map<string, string>();

  /**
   * Takes down what one side says.
   *
   * @throws ProtocolError `duplicate_key` when the side says a key for the second time, `bad_value`
   */
  record(side: Side, pairs: TextKeys | readonly TextPair[]): void {
    const other = this.#said[side === 'initiator' ? 'target' : 'initiator'];
    for (const [key, value] of pairs) {
      if (this.#said[side].has(key))
        throw new ProtocolError('duplicate_key', `${key} is negotiated a second time`);
      this.#said[side].set(key, value);
      if (other.has(key)) this.#outcomes.set(key, value);
      if (key === 'MaxRecvDataSegmentLength') readMaxRecvDataSegmentLength(value);
    }
  }

  /**
   * True if the side says nothing new: the key in the words of before, or with the value that it was settled on. RFC 7143 §6.3
   * has no place for that, but libiscsi says all its keys again in each message of its own.
   *
   * @throws ProtocolError `duplicate_key` when it now says something else
   */
  isRepeated(side: Side, key: string, value: string): boolean {
    const before = this.#said[side].get(key);
    if (before === undefined) return false;
    if (before === value || this.#outcomes.get(key) === value) return true;
    throw new ProtocolError('duplicate_key', `${key} is negotiated a second time`);
  }

  /** What the key was settled on, if it was. */
  outcome(key: string): string | undefined {
    return this.#outcomes.get(key);
  }

  /** True if `side` has offered the key and waits for the answer. */
  isOpen(side: Side, key: string): boolean {
    return this.#said[side].has(key) && !this.#outcomes.has(key);
  }

  /** @throws ProtocolError `bad_value` when the sides settled on something that no rule allows */
  get parameters(): NegotiatedParameters {
    return {
      digests: { header: this.#digest('HeaderDigest'), data: this.#digest('DataDigest') },
      maxRecvDataSegmentLength: { initiator: this.#maxRecv('initiator'), target: this.#maxRecv('target') },
      initialR2T: this.#boolean('InitialR2T'),
      immediateData: this.#boolean('ImmediateData'),
      maxBurstLength: this.#number('MaxBurstLength'),
      firstBurstLength: this.#number('FirstBurstLength'),
      maxOutstandingR2T: this.#number('MaxOutstandingR2T'),
    };
  }

  #digest(key: string): boolean {
    const outcome = this.#outcomes.get(key) ?? 'None';
    if (outcome === 'CRC32C') return true;
    if (outcome === 'None' || NON_ANSWERS.has(outcome)) return false;
    throw new ProtocolError('bad_value', `${key} was settled on a digest that is neither None nor CRC32C`);
  }

  #maxRecv(side: Side): number {
    const value = this.#said[side].get('MaxRecvDataSegmentLength');
    return value === undefined ? MAX_RECV_DATA_SEGMENT_LENGTH.default : readMaxRecvDataSegmentLength(value);
  }

  #boolean(key: string): boolean {
    const rule = KEYS.get(key) as Extract<KeyRule, { kind: 'boolean' }>;
    const outcome = this.#outcomes.get(key);
    return outcome === undefined || NON_ANSWERS.has(outcome) ? rule.default : readBoolean(key, outcome);
  }

  #number(key: string): number {
    const rule = KEYS.get(key) as Extract<KeyRule, { kind: 'number' }>;
    const outcome = this.#outcomes.get(key);
    if (outcome === undefined || NON_ANSWERS.has(outcome)) return rule.default;
    return parseNumericalValue(key, outcome, rule.min, rule.max);
  }
}

/** What an end point of ours wants: the values that it holds against the other side's offers. */
export type Preferences = ReadonlyMap<string, string>;

/**
 * Answers one message of offers as an end point (the embedded target, the gateway's discovery sessions).
 *
 * @throws ProtocolError `bad_value` for a value outside the key's type or range
 */
export function answerOffers(offers: TextKeys, preferences: Preferences): TextPair[] {
  const answers: TextPair[] = [];
  for (const [key, offer] of offers) {
    const rule = KEYS.get(key);
    if (rule === undefined) answers.push([key, 'NotUnderstood']);
    else if (rule.kind !== 'declared') answers.push([key, settle(key, rule, offer, preferences.get(key))]);
  }
  return answers;
}

function settle(key: string, rule: KeyRule, offer: string, ours: string | undefined): string {
  switch (rule.kind) {
    case 'list': {
      const supported = (ours ?? 'None').split(',');
      return offer.split(',').find((value) => supported.includes(value)) ?? 'Reject';
    }
    case 'boolean': {
      const mine = ours === undefined ? rule.default : readBoolean(key, ours);
      const theirs = readBoolean(key, offer);
      return (rule.outcome === 'and' ? mine && theirs : mine || theirs) ? 'Yes' : 'No';
    }
    case 'number': {
      const theirs = parseNumericalValue(key, offer, rule.min, rule.max);
      const mine = ours === undefined ? rule.default : Number(ours);
      return String(rule.outcome === 'minimum' ? Math.min(mine, theirs) : Math.max(mine, theirs));
    }
    case 'identity':
    case 'security':
    case 'declared':
      throw new ProtocolError('bad_text', `${key} has no place in operational negotiation`);
  }
}

function readBoolean(key: string, value: string): boolean {
  if (value === 'Yes') return true;
  if (value === 'No') return false;
  throw new ProtocolError('bad_value', `${key} must be Yes or No`);
}

/** @throws ProtocolError `bad_value` */
export function readMaxRecvDataSegmentLength(value: string): number {
  const { min, max } = MAX_RECV_DATA_SEGMENT_LENGTH;
  return parseNumericalValue('MaxRecvDataSegmentLength', value, min, max);
}
