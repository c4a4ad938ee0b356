import type { Digests } from '../../src/iscsi/pdu.ts';

/** One PDU of a stream, cut out by the plainest reading of RFC 7143 §11.2. */
export interface NaivePdu {
  /** BHS and AHS. */
  readonly header: Buffer;
  readonly data: Buffer;
  /** Everything behind the header and its digest: data, padding, data digest. */
  readonly body: Buffer;
}

export function headerLengthOf(bhs: Buffer): number {
  return 48 + 4 * bhs[4]!;
}

export function bodyLengthOf(bhs: Buffer, digests: Digests): number {
  const length = bhs.readUIntBE(5, 3);
  return length + ((4 - (length % 4)) % 4) + (digests.data && length > 0 ? 4 : 0);
}

/** All PDUs of a whole stream, for comparison: shares no code with src/iscsi, and knows nothing of chunks. */
export function naivePdus(stream: Buffer, digests: Digests): NaivePdu[] {
  const pdus: NaivePdu[] = [];
  for (let at = 0; at < stream.length;) {
    const bhs = stream.subarray(at, at + 48);
    const header = stream.subarray(at, at + headerLengthOf(bhs));
    at += header.length + (digests.header ? 4 : 0);
    const body = stream.subarray(at, at + bodyLengthOf(bhs, digests));
    pdus.push({ header, body, data: body.subarray(0, bhs.readUIntBE(5, 3)) });
    at += body.length;
  }
  return pdus;
}

/** The wire form of a PDU; lengths and digests are filled in. */
export function naiveWire(bhs: Buffer, ahs: Buffer, data: Buffer, digests: Digests): Buffer {
  const header = Buffer.concat([bhs, ahs]);
  header[4] = ahs.length / 4;
  header.writeUIntBE(data.length, 5, 3);
  const body = Buffer.concat([data, Buffer.alloc((4 - (data.length % 4)) % 4)]);
  return Buffer.concat([
    withHeaderDigest(header, digests),
    body,
    digests.data && data.length > 0 ? naiveDigest(body) : Buffer.alloc(0),
  ]);
}

export function withHeaderDigest(header: Buffer, digests: Digests): Buffer {
  return digests.header ? Buffer.concat([header, naiveDigest(header)]) : header;
}

/** CRC32C bit by bit, as it stands on the wire. */
function naiveDigest(bytes: Buffer): Buffer {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  const digest = Buffer.alloc(4);
  digest.writeUInt32LE(~crc >>> 0);
  return digest;
}
