import type { PduFields } from '../../src/iscsi/layouts.ts';
import { encodePdu } from '../../src/iscsi/pdu.ts';
import { encodeText, type TextPair } from '../../src/iscsi/text.ts';
import { ISID } from './loginMessages.ts';

export const DB1 = 'iqn.1993-08.org.debian:01:db1';
/** May use it. */
export const DISK1 = 'iqn.2026-01.org.example:disk1';

/** What a Normal login of db1 says first. */
export const IDENTITY: readonly TextPair[] = [
  ['InitiatorName', DB1],
  ['SessionType', 'Normal'],
  ['TargetName', DISK1],
];

/** As IDENTITY, of somebody else or for something else. */
export function identity(differing: Partial<Record<'InitiatorName' | 'TargetName', string>>): TextPair[] {
  return IDENTITY.map(([key, value]) => [key, (differing as Record<string, string>)[key] ?? value]);
}

/** One Login Request as open-iscsi would send it without CHAP (1 → 3), unless told. */
export function loginRequest(
  pairs: readonly TextPair[],
  fields: Partial<PduFields<'loginRequest'>> = {},
): Buffer {
  return encodePdu('loginRequest', { ...OPENING, ...fields }, encodeText(pairs));
}

/** The same in the security stage, T=0. */
export function securityRequest(
  pairs: readonly TextPair[],
  fields: Partial<PduFields<'loginRequest'>> = {},
): Buffer {
  return loginRequest(pairs, { currentStage: 0, nextStage: 0, transit: false, ...fields });
}

export const OPENING = {
  immediate: true,
  transit: true,
  currentStage: 1,
  nextStage: 3,
  isid: ISID,
  cid: 1,
  initiatorTaskTag: 7,
  cmdSN: 1,
} as const satisfies Partial<PduFields<'loginRequest'>>;
