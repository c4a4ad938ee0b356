import { u32At } from './bhs.ts';
import { ProtocolError } from './protocolError.ts';

/** The REPORT LUNS well-known logical unit, C101000000000000h (SPC-4 §8.2). */
export const REPORT_LUNS_WELL_KNOWN = 'report-luns';

/** Flat space addressing (SAM-5 §4.7.7.3), in the first two bits. */
const FLAT_SPACE = 1;

/** A logical unit number 0…16383, or the one well-known logical unit that arrays answer on. */
export type Lun = number | typeof REPORT_LUNS_WELL_KNOWN;

/**
 * Reads the 8-byte LUN structure (SAM-5 §4.7) into its canonical form: 0005…, 4005… are one logical unit and give
 * one number. Addressing methods that could name the same unit in yet another way are refused.
 *
 * @throws ProtocolError `bad_lun`
 */
export function parseLun(bytes: Uint8Array, at = 0): Lun {
  const lun = canonicalLun(bytes, at);
  if (lun !== undefined) return lun;
  const why = isSingleLevel(bytes, at) ? 'unknown addressing method' : 'only single-level LUNs are served';
  const digits = Buffer.from(bytes.subarray(at, at + 8)).toString('hex');
  throw new ProtocolError('bad_lun', `LUN ${digits}: ${why}`);
}

/** As parseLun, but undefined for a form that is refused: anybody may send one in every PDU, and an error is dear. */
export function canonicalLun(bytes: Uint8Array, at = 0): Lun | undefined {
  if (!isSingleLevel(bytes, at)) return undefined;
  const first = bytes[at]!;
  const second = bytes[at + 1]!;
  if (first === 0) return second; // peripheral device addressing, bus 0
  if (first >>> 6 === FLAT_SPACE) return ((first & 0x3f) << 8) | second;
  return first === 0xc1 && second === 0x01 ? REPORT_LUNS_WELL_KNOWN : undefined;
}

/**
 * The first four of the 8 bytes, in one form for each logical unit: together with the last four, as they came, they are equal exactly
 * where parseLun finds the same logical unit, and of forms that it refuses where all bytes are.
 */
export function canonicalLunHigh(bytes: Uint8Array, at: number): number {
  const high = u32At(bytes, at);
  return bytes[at] === 0 && isSingleLevel(bytes, at) ? high + FLAT_SPACE * 2 ** 30 : high;
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

function isSingleLevel(bytes: Uint8Array, at: number): boolean {
  for (let i = at + 2; i < at + 8; i++) if (bytes[i] !== 0) return false;
  return true;
}
