import { recordPairs, type TargetRecord } from './sendTargets.ts';
import { encodeText, type TextKeys, type TextPair } from '../iscsi/text.ts';
import { KEYS } from '../login/keys.ts';

/**
 * The answer to a Text Request in full feature phase of a Normal session. SendTargets shows the session's own
 * target and nothing else, whatever is asked (RFC 7143 Appendix C); every other key has been settled at login.
 */
export function answerSessionText(keys: TextKeys, own: TargetRecord): Buffer {
  const answers: TextPair[] = [];
  for (const [key, value] of keys) {
    if (key === 'SendTargets') answers.push(...sendTargets(value, own));
    else answers.push([key, KEYS.has(key) ? 'Reject' : 'NotUnderstood']);
  }
  return encodeText(answers);
}

/** A declaration that the array must hear of: it is the one key that may change in full feature phase (RFC 7143 §13.12). */
export function isDeclarationOnly(keys: TextKeys): boolean {
  return keys.size === 1 && keys.has('MaxRecvDataSegmentLength');
}

function sendTargets(which: string, own: TargetRecord): TextPair[] {
  if (which === '' || which.toLowerCase() === own.name.toLowerCase()) return recordPairs(own);
  // "All" is for discovery sessions only; another target's name shows nothing, allowed or not.
  return which === 'All' ? [['SendTargets', 'Reject']] : [];
}
