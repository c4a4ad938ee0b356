import { ProtocolError } from './protocolError.ts';

/** RFC 7143 §4.2.7.1: a name has at most 223 bytes. */
export const MAX_NAME_LENGTH = 223;

// RFC 3722 leaves `-`, `.`, `:`, letters and digits of ASCII. The underscore is outside it, but arrays ship target
// names that carry one; it can't break a path, a log line or a text key, so it is let through.
const IQN = /^iqn\.\d{4}-(?:0[1-9]|1[0-2])\.[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[a-z0-9._:-]+)?$/;
const EUI = /^eui\.[0-9a-f]{16}$/;
const NAA = /^naa\.(?:[0-9a-f]{16}|[0-9a-f]{32})$/;

/**
 * Validates an iSCSI name and gives its normal form: names are case-insensitive (RFC 7143 §4.2.7.1), so every
 * comparison is made on this form.
 *
 * @throws ProtocolError `bad_name`
 */
export function parseIscsiName(text: string): string {
  if (isIscsiName(text)) return text.toLowerCase();
  throw new ProtocolError('bad_name', describeBadName(text));
}

/** As `parseIscsiName`, without the cost of an error. */
export function isIscsiName(text: string): boolean {
  if (text.length > MAX_NAME_LENGTH) return false;
  // Not every letter whose lower case is ASCII is ASCII itself: the Kelvin sign is not.
  if (!/^[!-~]*$/.test(text)) return false;
  const name = text.toLowerCase();
  return IQN.test(name) || EUI.test(name) || NAA.test(name);
}

/** What is wrong with one that `isIscsiName` refuses. */
export function describeBadName(text: string): string {
  return text.length > MAX_NAME_LENGTH
    ? `an iSCSI name has at most ${MAX_NAME_LENGTH} bytes, this has ${text.length}`
    : `${JSON.stringify(text)} is not an iSCSI name: write iqn.YYYY-MM.reversed.domain:string, eui. with 16 hex digits, or naa. with 16 or 32`;
}
