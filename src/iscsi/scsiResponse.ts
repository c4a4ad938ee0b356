import type { PduFields } from './layouts.ts';

/** Where sense data begins in a SCSI Response's data segment: its length stands in front (RFC 7143 §11.4.7.2). */
export const SENSE_AT = 2;

/** Sense data as a SCSI Response carries it. */
export function encodeSenseSegment(sense: Buffer | undefined): Buffer {
  if (sense === undefined) return Buffer.alloc(0);
  const segment = Buffer.alloc(SENSE_AT + sense.length);
  segment.writeUInt16BE(sense.length);
  sense.copy(segment, SENSE_AT);
  return segment;
}

/** Residual of a transfer (RFC 7143 §11.4.5): what the initiator announced against what the command came to. */
export function residual(
  expected: number,
  actual: number,
): Pick<PduFields<'scsiResponse'>, 'overflow' | 'underflow' | 'residualCount'> {
  return {
    overflow: actual > expected,
    underflow: actual < expected,
    residualCount: Math.abs(expected - actual),
  };
}
