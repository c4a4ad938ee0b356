import { Failure } from '../failures.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import type { TextKeys, TextPair } from '../iscsi/text.ts';
import type { ChapAuthenticator } from './chapAuthenticator.ts';

/** What the stage waits for, and the keys that may come with it. */
const AWAITED = {
  method: ['AuthMethod'],
  algorithm: ['CHAP_A'],
  response: ['CHAP_N', 'CHAP_R', 'CHAP_I', 'CHAP_C'],
  nothing: [],
} as const satisfies Record<string, readonly string[]>;

/** The target's side of the security stage (RFC 7143 §6.3.2): settles the method, then takes the initiator through CHAP. */
export class SecurityStage {
  readonly #chap: ChapAuthenticator | undefined;
  #awaited: keyof typeof AWAITED = 'method';

  /** @param chap absent if nothing is asked of the initiator */
  constructor(chap: ChapAuthenticator | undefined) {
    this.#chap = chap;
  }

  /** True once the initiator has proved what is asked of it, in this stage. */
  get isPassed(): boolean {
    return this.#awaited === 'nothing';
  }

  /** True if a login may not go on, or begin, behind this stage. */
  get isMissing(): boolean {
    return this.#chap !== undefined && !this.isPassed;
  }

  /**
   * Answers the security keys of one message.
   *
   * @throws Failure `auth_method`, `chap` or `missing_parameter`; ProtocolError `bad_sequence`
   */
  answer(keys: TextKeys): TextPair[] {
    const expected: readonly string[] = AWAITED[this.#awaited];
    for (const key of keys.keys()) {
      if (!expected.includes(key)) throw new ProtocolError('bad_sequence', `${key} came out of turn`);
    }
    switch (this.#awaited) {
      case 'method':
        return this.#chooseMethod(keys.get('AuthMethod'));
      case 'algorithm': {
        const challenge = this.#chap!.challenge(keys);
        this.#awaited = 'response';
        return challenge;
      }
      case 'response': {
        const proof = this.#chap!.verify(keys);
        this.#awaited = 'nothing';
        return proof;
      }
      case 'nothing':
        return [];
    }
  }

  #chooseMethod(offer: string | undefined): TextPair[] {
    const method = this.#chap === undefined ? 'None' : 'CHAP';
    if (offer === undefined && method === 'None') {
      this.#awaited = 'nothing';
      return [];
    }
    if (offer === undefined || !offer.split(',').includes(method)) {
      throw new Failure(
        'auth_method',
        method === 'CHAP'
          ? 'CHAP is required of the initiator, it does not offer it'
          : 'the initiator insists on CHAP, none is configured for it',
      );
    }
    this.#awaited = method === 'CHAP' ? 'algorithm' : 'nothing';
    return [['AuthMethod', method]];
  }
}
