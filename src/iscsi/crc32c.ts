import { crc32c as nativeCrc32c } from '@node-rs/crc32';

/** Below this many bytes the call into native code costs more than the slicing tables below. */
const NATIVE_FROM = 256;

const TABLES = slicingTables();
const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
];

/**
 * CRC32C (Castagnoli, RFC 7143 §13.1) of `bytes[start..end)`, continuing from the CRC of what came before.
 *
 * @returns an unsigned 32-bit number; on the wire it stands least significant byte first
 */
export function crc32c(bytes: Buffer, start = 0, end = bytes.length, previous = 0): number {
  if (end - start >= NATIVE_FROM) return nativeCrc32c(bytes.subarray(start, end), previous);
  return slicedCrc32c(bytes, start, end, previous);
}

export function writeDigest(bytes: Buffer, at: number, crc: number): void {
  bytes.writeUInt32LE(crc, at);
}

export function readDigest(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at);
}

function slicedCrc32c(bytes: Buffer, start: number, end: number, previous: number): number {
  let crc = ~previous;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc =
      T7[crc & 0xff]! ^
      T6[(crc >>> 8) & 0xff]! ^
      T5[(crc >>> 16) & 0xff]! ^
      T4[crc >>> 24]! ^
      T3[bytes[at + 4]!]! ^
      T2[bytes[at + 5]!]! ^
      T1[bytes[at + 6]!]! ^
      T0[bytes[at + 7]!]!;
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ T0[(crc ^ bytes[at]!) & 0xff]!;
  return ~crc >>> 0;
}

function slicingTables(): Uint32Array[] {
  const reversedPolynomial = 0x82f63b78;
  const tables = Array.from({ length: 8 }, () => new Uint32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ reversedPolynomial : crc >>> 1;
    tables[0]![byte] = crc;
  }
  for (let byte = 0; byte < 256; byte++) {
    for (let slice = 1; slice < 8; slice++) {
      const crc = tables[slice - 1]![byte]!;
      tables[slice]![byte] = (crc >>> 8) ^ tables[0]![crc & 0xff]!;
    }
  }
  return tables;
}
