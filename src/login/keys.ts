/**
 * The keys of RFC 7143 §13 (and RFC 7144) and how each is settled. A key that is not here is not understood.
 */
export type KeyRule =
  /** Says who is speaking; constant through a login. */
  | { readonly kind: 'identity' }
  /** Belongs to the security stage alone. */
  | { readonly kind: 'security' }
  /** Said by one side, not answered. */
  | { readonly kind: 'declared'; readonly by: 'initiator' | 'target' | 'both' }
  /** The responder picks the first of the offered values that it supports. */
  | { readonly kind: 'list' }
  | { readonly kind: 'boolean'; readonly outcome: 'and' | 'or'; readonly default: boolean }
  | {
      readonly kind: 'number';
      readonly outcome: 'minimum' | 'maximum';
      readonly min: number;
      readonly max: number;
      readonly default: number;
    };

const MAX_24_BIT = 0xffffff;

export const KEYS: ReadonlyMap<string, KeyRule> = new Map<string, KeyRule>([
  ['InitiatorName', { kind: 'identity' }],
  ['TargetName', { kind: 'identity' }],
  ['SessionType', { kind: 'identity' }],
  ['AuthMethod', { kind: 'security' }],
  ['CHAP_A', { kind: 'security' }],
  ['CHAP_I', { kind: 'security' }],
  ['CHAP_C', { kind: 'security' }],
  ['CHAP_N', { kind: 'security' }],
  ['CHAP_R', { kind: 'security' }],
  ['InitiatorAlias', { kind: 'declared', by: 'initiator' }],
  ['TargetAlias', { kind: 'declared', by: 'target' }],
  ['TargetAddress', { kind: 'declared', by: 'target' }],
  ['TargetPortalGroupTag', { kind: 'declared', by: 'target' }],
  ['MaxRecvDataSegmentLength', { kind: 'declared', by: 'both' }],
  ['HeaderDigest', { kind: 'list' }],
  ['DataDigest', { kind: 'list' }],
  ['TaskReporting', { kind: 'list' }],
  ['InitialR2T', { kind: 'boolean', outcome: 'or', default: true }],
  ['ImmediateData', { kind: 'boolean', outcome: 'and', default: true }],
  ['DataPDUInOrder', { kind: 'boolean', outcome: 'or', default: true }],
  ['DataSequenceInOrder', { kind: 'boolean', outcome: 'or', default: true }],
  // Markers (RFC 3720) would break the framing, iSER is another transport: both are only ever answered No.
  ['IFMarker', { kind: 'boolean', outcome: 'and', default: false }],
  ['OFMarker', { kind: 'boolean', outcome: 'and', default: false }],
  ['RDMAExtensions', { kind: 'boolean', outcome: 'and', default: false }],
  ['MaxConnections', { kind: 'number', outcome: 'minimum', min: 1, max: 65535, default: 1 }],
  ['ErrorRecoveryLevel', { kind: 'number', outcome: 'minimum', min: 0, max: 2, default: 0 }],
  ['MaxBurstLength', { kind: 'number', outcome: 'minimum', min: 512, max: MAX_24_BIT, default: 262144 }],
  ['FirstBurstLength', { kind: 'number', outcome: 'minimum', min: 512, max: MAX_24_BIT, default: 65536 }],
  ['MaxOutstandingR2T', { kind: 'number', outcome: 'minimum', min: 1, max: 65535, default: 1 }],
  ['DefaultTime2Wait', { kind: 'number', outcome: 'maximum', min: 0, max: 3600, default: 2 }],
  ['DefaultTime2Retain', { kind: 'number', outcome: 'minimum', min: 0, max: 3600, default: 20 }],
  ['iSCSIProtocolLevel', { kind: 'number', outcome: 'minimum', min: 0, max: 31, default: 1 }],
]);

/** MaxRecvDataSegmentLength (RFC 7143 §13.12), in bytes. */
export const MAX_RECV_DATA_SEGMENT_LENGTH = { min: 512, max: MAX_24_BIT, default: 8192 } as const;

/** Answers that settle nothing: the key keeps its default. */
export const NON_ANSWERS: ReadonlySet<string> = new Set(['NotUnderstood', 'Reject', 'Irrelevant']);
