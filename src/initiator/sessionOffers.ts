import { MAX_AHS_LENGTH } from '../iscsi/bhs.ts';
import type { TextPair } from '../iscsi/text.ts';
import type { Preferences } from '../login/negotiation.ts';

/** What a session of our own takes in one PDU; its offers declare it. */
export const SESSION_LIMITS = { maxAhsLength: MAX_AHS_LENGTH, maxDataSegmentLength: 262144 } as const;

/** What a session of our own holds against a target's offers. */
export const SESSION_PREFERENCES: Preferences = new Map([
  ['HeaderDigest', 'None'],
  ['DataDigest', 'None'],
]);

/** What a session of our own offers. */
export function sessionOffers(digests: boolean): TextPair[] {
  return [
    ['HeaderDigest', digests ? 'CRC32C' : 'None'],
    ['DataDigest', digests ? 'CRC32C' : 'None'],
    ['ErrorRecoveryLevel', '0'],
    ['InitialR2T', 'No'],
    ['ImmediateData', 'Yes'],
    ['MaxBurstLength', '1048576'],
    ['FirstBurstLength', '262144'],
    ['MaxOutstandingR2T', '1'],
    ['MaxConnections', '1'],
    ['MaxRecvDataSegmentLength', String(SESSION_LIMITS.maxDataSegmentLength)],
  ];
}
