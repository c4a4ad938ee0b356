import type { Pdu } from '../../src/iscsi/pdu.ts';
import type { TextPair } from '../../src/iscsi/text.ts';
import { encodeBinaryValue } from '../../src/iscsi/textValues.ts';
import type { Challenges } from '../../src/login/challenges.ts';
import { chapResponse } from '../../src/login/chap.ts';
import type { LoginIdentity } from '../../src/login/loginIdentity.ts';
import { TargetLogin, type AuthenticatedLogin } from '../../src/login/targetLogin.ts';
import type { ChapAlgorithm, ChapRequirement } from '../../src/policy/chapRequirement.ts';
import type { Secret } from '../../src/policy/secret.ts';
import { chapRequirement, loginRequest, readResponse, repeatableChallenges } from './loginMessages.ts';

export const INITIATOR = 'iqn.1993-08.org.debian:01:db1';
export const TARGET = 'iqn.2001-05.com.example:disk';
export const TSIH = 0x0077;

/** What a Normal login says first. */
export const NAMES = { InitiatorName: INITIATOR, SessionType: 'Normal', TargetName: TARGET } as const;

export interface ConversationOptions {
  readonly chap?: ChapRequirement;
  readonly challenges?: Challenges;
  readonly admit?: (identity: LoginIdentity) => void;
  /** What the negotiator says to each message of operational negotiation. */
  readonly negotiate?: (keys: ReadonlyMap<string, string>) => readonly TextPair[];
}

type Response = ReturnType<typeof readResponse>;

/** A TargetLogin and whoever stands behind it: goes on after authentication, agrees to every transit. */
export class LoginConversation {
  readonly challenges: Challenges;
  readonly login: TargetLogin<string>;
  /** Keys of each negotiation message, as they came out. */
  readonly negotiated: Record<string, string>[] = [];
  /** Set once the security stage is passed. */
  authenticated: AuthenticatedLogin<string> | undefined;
  readonly #options: ConversationOptions;

  constructor(options: ConversationOptions = {}) {
    this.#options = options;
    this.challenges = options.challenges ?? repeatableChallenges();
    const { chap, admit } = options;
    this.login = new TargetLogin<string>({
      admit: (identity) => {
        admit?.(identity);
        return chap === undefined ? { admission: 'admitted' } : { admission: 'admitted', chap };
      },
      challenges: this.challenges,
      targetPortalGroupTag: 1,
      initialStatSN: 0xffffffff,
    });
  }

  /** Hands one request in and gives the response. */
  ask(request: Pdu): Response {
    return readResponse(this.askForBytes(request));
  }

  askForBytes(request: Pdu): Buffer {
    let step = this.login.receive(request);
    if (step.kind === 'authenticated') {
      this.authenticated = step.login;
      step = this.login.proceed();
    }
    if (step.kind === 'send') return step.response;
    if (step.kind !== 'negotiate') throw new Error(`unexpected step ${step.kind}`);
    const { keys, transit } = step.request;
    this.negotiated.push(Object.fromEntries(keys));
    const pairs = this.#options.negotiate?.(keys) ?? [];
    return this.login.answer({ pairs, transit, tsih: transit ? TSIH : 0, expCmdSN: 7, maxCmdSN: 70 });
  }
}

/** The answer of an initiator that knows the secret to the response with the challenge. */
export function chapProof(
  { keys }: Pick<Response, 'keys'>,
  secret: Secret = chapRequirement().secret,
): { CHAP_N: string; CHAP_R: string } {
  const algorithm = ({ 5: 'md5', 6: 'sha1', 7: 'sha256', 8: 'sha3-256' } as Record<string, ChapAlgorithm>)[
    keys.get('CHAP_A')!
  ]!;
  const challenge = Buffer.from(keys.get('CHAP_C')!.slice(2), 'hex');
  const response = chapResponse(algorithm, Number(keys.get('CHAP_I')), secret, challenge);
  return { CHAP_N: 'db1', CHAP_R: encodeBinaryValue(response) };
}

/** A conversation that has come to the challenge. */
export function challengedConversation(options: ConversationOptions = {}): {
  conversation: LoginConversation;
  challenge: Response;
} {
  const conversation = new LoginConversation({ chap: chapRequirement(), ...options });
  conversation.ask(loginRequest({}, { ...NAMES, AuthMethod: 'CHAP' }));
  return { conversation, challenge: conversation.ask(loginRequest({}, { CHAP_A: '5' })) };
}
