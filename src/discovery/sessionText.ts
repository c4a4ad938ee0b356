import { encodeText, type TextKeys, type TextPair } from '../iscsi/text.ts';
import { KEYS } from '../login/keys.ts';
import { recordPairs, type TargetRecord } from './sendTargets.ts';

export interface SessionTextAnswer {
  readonly text: Buffer;
  /** Keys that got nothing of what they ask for. */
  readonly denied: readonly string[];
}

/**
 * The answer to a Text Request in full feature phase of a Normal session. SendTargets shows the session's own
 * target and nothing else, whatever is asked (RFC 7143 Appendix C); every other key has been settled at login.
 */
export function answerSessionText(keys: TextKeys, own: TargetRecord): SessionTextAnswer {
  const answers: TextPair[] = [];
  const denied: string[] = [];
  for (const [key, value] of keys) {
    const isOwn = key === 'SendTargets' && (value === '' || value.toLowerCase() === own.name.toLowerCase());
    if (isOwn) answers.push(...recordPairs(own));
    else {
      answers.push(...refusal(key, value));
      denied.push(key);
    }
  }
  return { text: encodeText(answers), denied };
}

/** A declaration that the array must hear of: it is the one key that may change in full feature phase (RFC 7143 §13.12). */
export function isDeclarationOnly(keys: TextKeys): boolean {
  return keys.size === 1 && keys.has('MaxRecvDataSegmentLength');
}

function refusal(key: string, value: string): TextPair[] {
  // "All" is for discovery sessions only; another target's name shows nothing, allowed or not.
  if (key === 'SendTargets' && value !== 'All') return [];
  return [[key, KEYS.has(key) || key === 'SendTargets' ? 'Reject' : 'NotUnderstood']];
}
