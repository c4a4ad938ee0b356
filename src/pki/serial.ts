/** A serial number as `X509Certificate.serialNumber` writes it: upper-case hex, whole bytes, no needless zeros. */
export function normalSerial(hex: string): string {
  const digits = hex.replace(/^0+/, '').toUpperCase() || '0';
  return digits.length % 2 === 0 ? digits : `0${digits}`;
}

/**
 * A serial number that somebody typed: hex with colons, as openssl shows it, behind 0x, or of 16 digits and
 * more. A short one alone could be a name: `db1` is hex.
 *
 * @returns undefined if it is none
 */
export function typedSerial(text: string): string | undefined {
  const plain = /^0x([0-9a-f]{1,40})$/i.exec(text)?.[1] ?? /^[0-9a-f]{16,40}$/i.exec(text)?.[0];
  const withColons = /^[0-9a-f]{2}(?::[0-9a-f]{2}){1,19}$/i.exec(text)?.[0].replaceAll(':', '');
  const hex = plain ?? withColons;
  return hex === undefined ? undefined : normalSerial(hex);
}
