import { Failure } from '../failures.ts';
import type { TextKeys, TextPair } from '../iscsi/text.ts';
import { decodeBinaryValue, encodeBinaryValue, parseNumericalValue } from '../iscsi/textValues.ts';
import type { ChapAlgorithm, ChapRequirement } from '../policy/chapRequirement.ts';
import type { Challenge, Challenges } from './challenges.ts';
import {
  chapLength,
  chapNumber,
  chapResponse,
  chooseAlgorithm,
  equalInConstantTime,
  MAX_CHALLENGE_LENGTH,
} from './chap.ts';

/** The initiator's side of CHAP (RFC 7143 §12.1.3): proves our secret and, if configured, wants the target's in return. */
export class ChapProver {
  readonly #requirement: ChapRequirement;
  readonly #challenges: Challenges;
  #algorithm: ChapAlgorithm | undefined;
  #challenge: Challenge | undefined;

  constructor(requirement: ChapRequirement, challenges: Challenges) {
    this.#requirement = requirement;
    this.#challenges = challenges;
  }

  offer(): TextPair[] {
    return [['CHAP_A', this.#requirement.algorithms.map(chapNumber).join(',')]];
  }

  /**
   * Answers the target's challenge.
   *
   * @throws Failure `backend_auth`; ProtocolError for malformed values
   */
  respond(keys: TextKeys): TextPair[] {
    const chosen = required(keys, 'CHAP_A');
    const algorithm = chooseAlgorithm(chosen, this.#requirement.algorithms);
    if (algorithm === undefined || chosen !== String(chapNumber(algorithm)))
      throw new Failure('backend_auth', 'the target chose a CHAP algorithm that was not offered');
    const identifier = parseNumericalValue('CHAP_I', required(keys, 'CHAP_I'), 0, 255);
    const theirs = decodeBinaryValue('CHAP_C', required(keys, 'CHAP_C'), MAX_CHALLENGE_LENGTH);
    if (this.#challenges.isOurs(theirs)) {
      throw new Failure('backend_auth', 'reflection: the target sent one of our own challenges back');
    }
    this.#algorithm = algorithm;
    const { user, secret, mutual } = this.#requirement;
    const pairs: TextPair[] = [
      ['CHAP_N', user],
      ['CHAP_R', encodeBinaryValue(chapResponse(algorithm, identifier, secret, theirs))],
    ];
    if (mutual === undefined) return pairs;
    this.#challenge = this.#challenges.issue(chapLength(algorithm));
    return [
      ...pairs,
      ['CHAP_I', String(this.#challenge.identifier)],
      ['CHAP_C', encodeBinaryValue(this.#challenge.bytes)],
    ];
  }

  /**
   * Verifies the target. With mutual CHAP configured, a target that proves nothing is refused.
   *
   * @throws Failure `backend_auth`
   */
  verify(keys: TextKeys): void {
    const { mutual } = this.#requirement;
    if (mutual === undefined) return;
    const algorithm = this.#algorithm!;
    const challenge = this.#challenge!;
    const name = required(keys, 'CHAP_N');
    const response = decodeBinaryValue('CHAP_R', required(keys, 'CHAP_R'), MAX_CHALLENGE_LENGTH);
    const expected = chapResponse(algorithm, challenge.identifier, mutual.secret, challenge.bytes);
    const nameIsRight = equalInConstantTime(Buffer.from(name), Buffer.from(mutual.user));
    if (!nameIsRight || !equalInConstantTime(response, expected)) {
      throw new Failure(
        'backend_auth',
        "the target's mutual CHAP answer is wrong: its name or secret is not the one configured",
      );
    }
  }
}

function required(keys: TextKeys, key: string): string {
  const value = keys.get(key);
  if (value === undefined) throw new Failure('backend_auth', `${key} is missing from the target's message`);
  return value;
}
