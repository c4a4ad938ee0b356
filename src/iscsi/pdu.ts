import { BHS_LENGTH, DIGEST_LENGTH, dataSegmentLengthAt, ahsLengthAt, Offset, padded } from './bhs.ts';
import { crc32c, readDigest, writeDigest } from './crc32c.ts';
import { encodeBhs, type PduFields, type PduKind } from './layouts.ts';
import { ProtocolError } from './protocolError.ts';

/** A PDU that is wholly in memory: login, text, and whatever an end point consumes. */
export interface Pdu {
  readonly bhs: Buffer;
  /** All Additional Header Segments, length a multiple of 4. */
  readonly ahs: Buffer;
  /** The data segment without padding. */
  readonly data: Buffer;
}

/** Which CRC32C digests the PDUs carry; both off during login (RFC 7143 §7.7). */
export interface Digests {
  readonly header: boolean;
  readonly data: boolean;
}

export const NO_DIGESTS: Digests = { header: false, data: false };

const EMPTY = Buffer.alloc(0);

/** The wire form of a PDU: BHS, AHS, header digest, data, padding, data digest. */
export function encodePdu<K extends PduKind>(
  kind: K,
  values: Partial<PduFields<K>>,
  data: Uint8Array = EMPTY,
  digests: Digests = NO_DIGESTS,
): Buffer {
  return wirePdu(encodeBhs(kind, values), EMPTY, data, digests);
}

/** As encodePdu, for a header that is there already. Its length fields are set. */
export function wirePdu(bhs: Buffer, ahs: Uint8Array, data: Uint8Array, digests: Digests): Buffer {
  const headerLength = BHS_LENGTH + ahs.length;
  const dataAt = headerLength + (digests.header ? DIGEST_LENGTH : 0);
  const dataEnd = dataAt + padded(data.length);
  const hasDataDigest = digests.data && data.length > 0;
  const wire = Buffer.alloc(dataEnd + (hasDataDigest ? DIGEST_LENGTH : 0));
  bhs.copy(wire);
  wire.set(ahs, BHS_LENGTH);
  wire[Offset.totalAhsLength] = ahs.length / 4;
  wire.writeUIntBE(data.length, Offset.dataSegmentLength, 3);
  if (digests.header) writeDigest(wire, headerLength, crc32c(wire, 0, headerLength));
  wire.set(data, dataAt);
  if (hasDataDigest) writeDigest(wire, dataEnd, crc32c(wire, dataAt, dataEnd));
  return wire;
}

/**
 * Takes a whole PDU's wire form apart and verifies its digests.
 *
 * @throws ProtocolError `header_digest` or `data_digest`
 */
export function parseWirePdu(wire: Buffer, digests: Digests): Pdu {
  const headerLength = BHS_LENGTH + ahsLengthAt(wire, 0);
  if (digests.header) verifyHeaderDigest(wire, 0, headerLength);
  const dataAt = headerLength + (digests.header ? DIGEST_LENGTH : 0);
  const length = dataSegmentLengthAt(wire, 0);
  const dataEnd = dataAt + padded(length);
  if (digests.data && length > 0 && readDigest(wire, dataEnd) !== crc32c(wire, dataAt, dataEnd)) {
    throw new ProtocolError('data_digest', 'the data digest does not match the data segment');
  }
  return {
    bhs: wire.subarray(0, BHS_LENGTH),
    ahs: wire.subarray(BHS_LENGTH, headerLength),
    data: wire.subarray(dataAt, dataAt + length),
  };
}

/** @throws ProtocolError `header_digest` */
export function verifyHeaderDigest(bytes: Buffer, at: number, headerLength: number): void {
  const end = at + headerLength;
  if (readDigest(bytes, end) !== crc32c(bytes, at, end)) {
    throw new ProtocolError('header_digest', 'the header digest does not match the header');
  }
}
