import forge from 'node-forge';

/** The few DER forms that certificates and CRLs need beyond what forge builds by itself (X.690). */
export type Asn1 = forge.asn1.Asn1;

const { create, Class, Type } = forge.asn1;

export const sequence = (parts: Asn1[]): Asn1 => create(Class.UNIVERSAL, Type.SEQUENCE, true, parts);

export const nul = (): Asn1 => create(Class.UNIVERSAL, Type.NULL, false, '');

export const oid = (dotted: string): Asn1 =>
  create(Class.UNIVERSAL, Type.OID, false, forge.asn1.oidToDer(dotted).getBytes());

export const octetString = (content: Asn1): Asn1 =>
  create(Class.UNIVERSAL, Type.OCTETSTRING, false, forge.asn1.toDer(content).getBytes());

/** Bits in whole bytes: no unused bits at the end. */
export const bitString = (bytes: Uint8Array): Asn1 =>
  create(Class.UNIVERSAL, Type.BITSTRING, false, `\0${Buffer.from(bytes).toString('binary')}`);

/** The context-specific tag [0]: constructed around parts, or primitive around bytes. */
export const tagged0 = (content: Asn1[] | string): Asn1 =>
  create(Class.CONTEXT_SPECIFIC, Type.NONE, typeof content !== 'string', content);

/** A non-negative INTEGER from hex digits of any length, in the shortest form (X.690 §8.3.2). */
export function integer(hex: string): Asn1 {
  const digits = hex.replace(/^0+/, '') || '0';
  const even = digits.length % 2 === 0 ? digits : `0${digits}`;
  const positive = Number.parseInt(even.slice(0, 2), 16) >= 0x80 ? `00${even}` : even;
  return create(Class.UNIVERSAL, Type.INTEGER, false, forge.util.hexToBytes(positive));
}

/** UTCTime until 2049, GeneralizedTime afterwards (RFC 5280 §4.1.2.5). */
export function time(date: Date): Asn1 {
  return date.getUTCFullYear() < 2050
    ? create(Class.UNIVERSAL, Type.UTCTIME, false, forge.asn1.dateToUtcTime(date))
    : create(Class.UNIVERSAL, Type.GENERALIZEDTIME, false, forge.asn1.dateToGeneralizedTime(date));
}

export const encode = (value: Asn1): Buffer => Buffer.from(forge.asn1.toDer(value).getBytes(), 'binary');

/** Reads one element, to the last byte; throws on what is no DER. Bit strings stay bytes. */
export function decode(der: Buffer): Asn1 {
  // forge takes options here, which its types do not know
  const options = { strict: true, parseAllBytes: true, decodeBitStrings: false } as unknown as boolean;
  return forge.asn1.fromDer(der.toString('binary'), options);
}
