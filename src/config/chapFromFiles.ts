import { CHAP_ALGORITHMS, type ChapCredentials, type ChapRequirement } from '../policy/chapRequirement.ts';
import { ValueError } from './problem.ts';
import { resolveSecret, SYSTEM_SECRETS } from './secretReference.ts';

/** CHAP as flags give it: names, and files that hold the secrets, so that no process list shows one. */
export interface ChapFlags {
  readonly chapUser?: string | undefined;
  readonly chapSecretFile?: string | undefined;
  readonly mutualUser?: string | undefined;
  readonly mutualSecretFile?: string | undefined;
}

/**
 * @returns undefined if no flag is given
 * @throws ValueError for half of a pair, or an unusable file
 */
export function chapFromFiles(flags: ChapFlags): ChapRequirement | undefined {
  const initiator = credentials('chap', flags.chapUser, flags.chapSecretFile);
  const mutual = credentials('mutual', flags.mutualUser, flags.mutualSecretFile);
  if (initiator === undefined) {
    if (mutual === undefined) return undefined;
    throw new ValueError(
      '--mutual-user without --chap-user',
      'mutual CHAP needs the initiator to prove itself too',
    );
  }
  if (mutual === undefined) return { ...initiator, algorithms: CHAP_ALGORITHMS };
  if (Buffer.from(initiator.secret.reveal()).equals(mutual.secret.reveal())) {
    throw new ValueError('both secrets are the same', 'RFC 7143 §9.2.1 wants two different ones');
  }
  return { ...initiator, algorithms: CHAP_ALGORITHMS, mutual };
}

function credentials(
  what: string,
  user: string | undefined,
  file: string | undefined,
): ChapCredentials | undefined {
  if (user === undefined && file === undefined) return undefined;
  if (user === undefined || file === undefined) {
    throw new ValueError(`--${what}-user and --${what}-secret-file go together`, 'give both or neither');
  }
  return { user, secret: resolveSecret({ file }, process.cwd(), SYSTEM_SECRETS) };
}
