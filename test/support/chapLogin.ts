import type { TextPair } from '../../src/iscsi/text.ts';
import { chapResponse } from '../../src/login/chap.ts';
import { Secret } from '../../src/policy/secret.ts';
import type { LoginResponse } from './loginMessages.ts';
import { identity, securityRequest } from './loginPdus.ts';
import type { TunnelInitiator } from './tunnelInitiator.ts';

export interface Challenged {
  readonly challenge: string;
  /** The right answer, as hex digits. */
  readonly response: string;
  readonly answer: (pairs: readonly TextPair[]) => Promise<LoginResponse | undefined>;
}

/** Goes through CHAP with SHA-256 up to the challenge. @throws if the peer wants something else */
export async function challenged(
  initiator: TunnelInitiator,
  InitiatorName: string,
  secret: string,
): Promise<Challenged> {
  const method: TextPair = ['AuthMethod', 'CHAP,None'];
  const chosen = await initiator.exchange(securityRequest([...identity({ InitiatorName }), method]));
  if (chosen?.keys.get('AuthMethod') !== 'CHAP') throw new Error('the peer does not want CHAP');
  const { keys } = (await initiator.exchange(securityRequest([['CHAP_A', '7,5']])))!;
  if (keys.get('CHAP_A') !== '7') throw new Error('the peer does not want SHA-256');
  const challenge = keys.get('CHAP_C')!;
  const bytes = Buffer.from(challenge.slice(2), 'hex');
  const identifier = Number(keys.get('CHAP_I'));
  const response = chapResponse('sha256', identifier, new Secret(Buffer.from(secret)), bytes).toString('hex');
  const answer = (pairs: readonly TextPair[]): Promise<LoginResponse | undefined> =>
    initiator.exchange(securityRequest(pairs, { transit: true, nextStage: 1 }));
  return { challenge, response, answer };
}
