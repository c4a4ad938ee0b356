import { ProtocolError } from './protocolError.ts';

/** The REPORT LUNS well-known logical unit, C101000000000000h (SPC-4 §8.2). */
export const REPORT_LUNS_WELL_KNOWN = 'report-luns';

/** A logical unit number 0…16383, or the one well-known logical unit that arrays answer on. */
export type Lun = number | typeof REPORT_LUNS_WELL_KNOWN;

/**
 * Reads the 8-byte LUN structure (SAM-5 §4.7) into its canonical form: 0005…, 4005… are one logical unit and give
 * one number. Addressing methods that could name the same unit in yet another way are refused.
 *
 * @throws ProtocolError `bad_lun`
 */
export function parseLun(bytes: Uint8Array, at = 0): Lun {
  const first = bytes[at]!;
  const second = bytes[at + 1]!;
  for (let i = at + 2; i < at + 8; i++) {
    if (bytes[i] !== 0) throw badLun(bytes, at, 'only single-level LUNs are served');
  }
  const method = first >>> 6;
  if (method === 0 && first === 0) return second; // peripheral device addressing, bus 0
  if (method === 1) return ((first & 0x3f) << 8) | second; // flat space addressing
  if (first === 0xc1 && second === 0x01) return REPORT_LUNS_WELL_KNOWN;
  throw badLun(bytes, at, 'unknown addressing method');
}

/** As parseLun, but undefined for a form that is refused. */
export function canonicalLun(bytes: Uint8Array, at = 0): Lun | undefined {
  try {
    return parseLun(bytes, at);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/** Writes a LUN as most targets do: peripheral addressing below 256, flat space above. */
export function encodeLun(lun: Lun): Buffer {
  const bytes = Buffer.alloc(8);
  if (lun === REPORT_LUNS_WELL_KNOWN) {
    bytes.writeUInt16BE(0xc101);
  } else if (Number.isInteger(lun) && lun >= 0 && lun < 0x4000) {
    bytes.writeUInt16BE(lun < 256 ? lun : 0x4000 | lun);
  } else {
    throw new RangeError(`a LUN is a whole number from 0 to 16383, not ${lun}`);
  }
  return bytes;
}

function badLun(bytes: Uint8Array, at: number, why: string): ProtocolError {
  const digits = Buffer.from(bytes.subarray(at, at + 8)).toString('hex');
  return new ProtocolError('bad_lun', `LUN ${digits}: ${why}`);
}
