import { MAX_NAME_LENGTH, parseIscsiName } from '../iscsi/names.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import { quote, ValueError } from './problem.ts';

const TYPES = ['iqn.', 'eui.', 'naa.'];
const EXAMPLE =
  'write a whole name (iqn.2001-05.com.example:disk1), or one with * for any run of characters (iqn.2001-05.com.example:*)';

/** Reads an exact initiator or target name into its normal form. @throws ValueError */
export function parseName(text: string): string {
  try {
    return parseIscsiName(text);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new ValueError(
      `${quote(text)} is not an iSCSI name`,
      'write iqn.YYYY-MM.reversed.domain:string, eui. with 16 hex digits, or naa. with 16 or 32',
    );
  }
}

/** Reads a target's name, exact or with `*`; lower case. @throws ValueError, also for a pattern that no name can match */
export function parseTargetPattern(text: string): string {
  if (!text.includes('*')) return parseName(text);
  const pattern = text.toLowerCase();
  if (!/^[a-z0-9.:_*-]+$/.test(pattern) || pattern.length > MAX_NAME_LENGTH) {
    throw new ValueError(
      `${quote(text)} has characters that are in no iSCSI name`,
      `* is the only wildcard; ${EXAMPLE}`,
    );
  }
  const start = pattern.slice(0, pattern.indexOf('*'));
  if (!TYPES.some((type) => start.startsWith(type) || type.startsWith(start))) {
    throw new ValueError(
      `${quote(text)} matches no name: all begin with iqn., eui. or naa.`,
      `write ${quote(`*${text}`)} if it may stand anywhere in the name`,
    );
  }
  return pattern;
}
