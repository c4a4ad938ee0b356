/** Names of the 16 sense keys (SPC-4 §4.5.6), in their order. */
export const SENSE_KEYS = [
  'no-sense',
  'recovered-error',
  'not-ready',
  'medium-error',
  'hardware-error',
  'illegal-request',
  'unit-attention',
  'data-protect',
  'blank-check',
  'vendor-specific',
  'copy-aborted',
  'aborted-command',
  'reserved',
  'volume-overflow',
  'miscompare',
  'completed',
] as const;

/**
 * Sense key of sense data in fixed (70h, 71h) or descriptor format (72h, 73h) (SPC-4 §4.5).
 *
 * @returns its number, or undefined for what is neither
 */
export function senseKeyOf(sense: Uint8Array): number | undefined {
  switch (sense[0]! & 0x7f) {
    case 0x70:
    case 0x71:
      return sense.length > 2 ? sense[2]! & 0x0f : undefined;
    case 0x72:
    case 0x73:
      return sense.length > 1 ? sense[1]! & 0x0f : undefined;
    default:
      return undefined;
  }
}
