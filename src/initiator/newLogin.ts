import { randomBytes } from 'node:crypto';
import { Challenges } from '../login/challenges.ts';
import { InitiatorLogin } from '../login/initiatorLogin.ts';
import type { ChapRequirement } from '../policy/chapRequirement.ts';
import { randomIsid } from './isid.ts';

export interface InitiatorOptions {
  readonly initiatorName: string;
  readonly chap?: ChapRequirement;
  /** Offers CRC32C for headers and data. */
  readonly digests?: boolean;
}

/** Number of the session's first command. */
export const FIRST_CMD_SN = 1;

/** A login of our own, with a new ISID. */
export function newLogin(
  { initiatorName, chap }: InitiatorOptions,
  session: { sessionType: 'Normal'; targetName: string } | { sessionType: 'Discovery' },
): InitiatorLogin {
  return new InitiatorLogin({
    initiatorName,
    ...session,
    isid: randomIsid(),
    cid: 1,
    initiatorTaskTag: 0,
    cmdSN: FIRST_CMD_SN,
    challenges: new Challenges(randomBytes),
    ...(chap && { chap }),
  });
}
