import { ProtocolError } from './protocolError.ts';

/**
 * Decodes a binary-value or large-binary-value (RFC 7143 §6.1): `0x` and an even, non-zero number of hex digits, or
 * `0b` and Base64. Never guesses: an odd digit, an empty value or a stray character is an error.
 *
 * @param maxLength the most bytes that the value may decode to; checked before decoding
 * @throws ProtocolError `bad_value` or `value_too_long`; the value itself is not in the message
 */
export function decodeBinaryValue(key: string, value: string, maxLength: number): Buffer {
  const prefix = value.slice(0, 2).toLowerCase();
  const digits = value.slice(2);
  if (prefix === '0x') {
    if (digits.length > maxLength * 2) throw tooLong(key, maxLength);
    if (digits.length % 2 === 0 && /^[0-9a-fA-F]+$/.test(digits)) return Buffer.from(digits, 'hex');
  }
  if (prefix === '0b') {
    if (digits.length > Math.ceil(maxLength / 3) * 4) throw tooLong(key, maxLength);
    const bytes = Buffer.from(digits, 'base64');
    if (bytes.length > maxLength) throw tooLong(key, maxLength);
    // A strict reading: what decodes must encode to the same digits, with or without padding.
    const canonical = bytes.toString('base64');
    if (bytes.length > 0 && (digits === canonical || digits === canonical.replace(/=+$/, ''))) return bytes;
  }
  throw new ProtocolError(
    'bad_value',
    `${key} must be 0x and an even number of hex digits, or 0b and Base64 (${value.length} characters came)`,
  );
}

/** Hex in lower case, the one form that every initiator reads. */
export function encodeBinaryValue(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString('hex')}`;
}

/**
 * Reads a numerical-value: decimal or `0x` hex (RFC 7143 §6.1).
 *
 * @throws ProtocolError `bad_value`
 */
export function parseNumericalValue(key: string, value: string, min: number, max: number): number {
  const number = /^(?:0[xX][0-9a-fA-F]{1,8}|\d{1,10})$/.test(value) ? Number(value) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new ProtocolError('bad_value', `${key} must be a number from ${min} to ${max}`);
}

function tooLong(key: string, maxLength: number): ProtocolError {
  return new ProtocolError('value_too_long', `${key} may have at most ${maxLength} bytes`);
}
