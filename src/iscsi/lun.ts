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
 * True if two LUNs name the same logical unit, each given as the two 32-bit halves of its bytes: exactly where parseLun finds the same
 * one, and of forms that it refuses where all bytes are equal.
 */
export function isSameLun(highA: number, lowA: number, highB: number, lowB: number): boolean {
  return (lowA | 0) === (lowB | 0) && canonicalHigh(highA, lowA) === canonicalHigh(highB, lowB);
}

/** Peripheral addressing of bus 0 is flat space addressing, in another form. */
function canonicalHigh(high: number, low: number): number {
  const isPeripheral = (high & 0xff00ffff) === 0 && (low | 0) === 0;
  return isPeripheral ? high | (FLAT_SPACE << 30) : high | 0;
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
  return (
    bytes[at + 2] === 0 &&
    bytes[at + 3] === 0 &&
    bytes[at + 4] === 0 &&
    bytes[at + 5] === 0 &&
    bytes[at + 6] === 0 &&
    bytes[at + 7] === 0
  );
}
