import { Failure } from '../failures.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import type { TextKeys, TextPair } from '../iscsi/text.ts';
import { decodeBinaryValue, encodeBinaryValue, parseNumericalValue } from '../iscsi/textValues.ts';
import { CHAP_ALGORITHMS, type ChapAlgorithm, type ChapRequirement } from '../policy/chapRequirement.ts';
import type { Challenge, Challenges } from './challenges.ts';
import {
  chapLength,
  chapNumber,
  chapResponse,
  chooseAlgorithm,
  equalInConstantTime,
  MAX_CHALLENGE_LENGTH,
} from './chap.ts';

/**
 * The target's side of CHAP (RFC 7143 §12.1.3): asks the initiator to prove its secret and, if it asks in turn, proves
 * ours. The initiator is verified before anything of ours is computed, so that nobody can use us as an oracle.
 */
export class ChapAuthenticator {
  readonly #requirement: ChapRequirement;
  readonly #challenges: Challenges;
  #algorithm: ChapAlgorithm | undefined;
  #challenge: Challenge | undefined;

  constructor(requirement: ChapRequirement, challenges: Challenges) {
    this.#requirement = requirement;
    this.#challenges = challenges;
  }

  /**
   * Answers CHAP_A with the algorithm, an identifier and a fresh challenge.
   *
   * @throws Failure `missing_parameter` or `chap`
   */
  challenge(keys: TextKeys): TextPair[] {
    const list = required(keys, 'CHAP_A');
    const algorithm = chooseAlgorithm(list, this.#requirement.algorithms);
    if (algorithm === undefined) {
      const allowed = CHAP_ALGORITHMS.filter((name) => this.#requirement.algorithms.includes(name)).join(
        ', ',
      );
      throw new Failure('chap', `the initiator offers no CHAP algorithm that is allowed here (${allowed})`);
    }
    this.#algorithm = algorithm;
    this.#challenge = this.#challenges.issue(chapLength(algorithm));
    return [
      ['CHAP_A', String(chapNumber(algorithm))],
      ['CHAP_I', String(this.#challenge.identifier)],
      ['CHAP_C', encodeBinaryValue(this.#challenge.bytes)],
    ];
  }

  /**
   * Verifies CHAP_N and CHAP_R, then answers the initiator's own challenge if it sent one.
   *
   * @throws Failure `missing_parameter` or `chap`
   */
  verify(keys: TextKeys): TextPair[] {
    const algorithm = this.#algorithm!;
    const challenge = this.#challenge!;
    const { user, secret } = this.#requirement;
    const name = required(keys, 'CHAP_N');
    const response = requiredBinary(keys, 'CHAP_R');
    // Both comparisons are always made: the time taken does not tell a wrong name from a wrong secret.
    const nameIsRight = equalInConstantTime(Buffer.from(name), Buffer.from(user));
    const expected = chapResponse(algorithm, challenge.identifier, secret, challenge.bytes);
    const responseIsRight = equalInConstantTime(response, expected);
    if (!nameIsRight || !responseIsRight) {
      throw new Failure(
        'chap',
        nameIsRight ? wrongResponse(response, algorithm) : 'the CHAP name is not the one configured',
      );
    }
    return this.#proveOurselves(keys, algorithm, challenge);
  }

  #proveOurselves(keys: TextKeys, algorithm: ChapAlgorithm, ours: Challenge): TextPair[] {
    if (!keys.has('CHAP_I') && !keys.has('CHAP_C')) return [];
    const offered = required(keys, 'CHAP_I');
    const identifier = wellFormed(() => parseNumericalValue('CHAP_I', offered, 0, 255));
    const theirs = requiredBinary(keys, 'CHAP_C');
    const { mutual } = this.#requirement;
    if (mutual === undefined) {
      throw new Failure('chap', 'the initiator asks for mutual CHAP, which is not configured for it');
    }
    if (theirs.equals(ours.bytes) || this.#challenges.isOurs(theirs)) {
      throw new Failure('chap', 'reflection: the initiator sent one of our own challenges back');
    }
    const response = chapResponse(algorithm, identifier, mutual.secret, theirs);
    return [
      ['CHAP_N', mutual.user],
      ['CHAP_R', encodeBinaryValue(response)],
    ];
  }
}

function required(keys: TextKeys, key: string): string {
  const value = keys.get(key);
  if (value === undefined)
    throw new Failure('missing_parameter', `${key} is missing from the initiator's message`);
  return value;
}

function requiredBinary(keys: TextKeys, key: string): Buffer {
  const value = required(keys, key);
  return wellFormed(() => decodeBinaryValue(key, value, MAX_CHALLENGE_LENGTH));
}

/** A parameter that can't be read is as good as missing, and is told to the initiator as such. */
function wellFormed<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new Failure('missing_parameter', error.message, { cause: error });
  }
}

function wrongResponse(response: Buffer, algorithm: ChapAlgorithm): string {
  const length = chapLength(algorithm);
  return response.length === length
    ? 'the CHAP response is wrong: the secrets differ'
    : `the CHAP response has ${response.length} bytes, ${algorithm} has ${length}`;
}
