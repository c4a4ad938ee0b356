import { expect, test } from 'vitest';
import { encodePdu, type Pdu } from '../../../src/iscsi/pdu.ts';
import { PduReader } from '../../../src/iscsi/pduReader.ts';
import { memoryHeld } from '../../support/memory.ts';
import { expectProtocolError } from '../../support/protocolErrors.ts';
import { conversations } from '../../support/vectors.ts';

const LIMITS = { maxAhsLength: 0, maxDataSegmentLength: 8192 };

function readAll(reader: PduReader): Pdu[] {
  const pdus: Pdu[] = [];
  for (let pdu = reader.next(); pdu !== undefined; pdu = reader.next()) pdus.push(pdu);
  return pdus;
}

test.each(conversations)('$name is read whole, byte by byte', ({ pdus, digests }) => {
  for (const side of ['initiator', 'target'] as const) {
    const sent = pdus.filter(({ from }) => from === side);
    const reader = new PduReader(LIMITS);
    reader.configure({ digests, limits: LIMITS });
    const read: Pdu[] = [];
    for (const byte of Buffer.concat(sent.map(({ wire }) => wire))) {
      reader.push(Buffer.from([byte]));
      read.push(...readAll(reader));
    }
    expect(read.map(({ bhs }) => bhs.toString('hex'))).toEqual(
      sent.map(({ wire }) => wire.subarray(0, 48).toString('hex')),
    );
    expect(read.map(({ data }) => data.length)).toEqual(sent.map(({ dataLength }) => dataLength));
    expect(reader.buffered).toBe(0);
  }
});

test('several PDUs in one chunk come one after the other', () => {
  const reader = new PduReader(LIMITS);
  const tags = [1, 2, 3];
  reader.push(
    Buffer.concat(tags.map((tag) => encodePdu('nopOut', { initiatorTaskTag: tag }, Buffer.from('ping')))),
  );
  expect(readAll(reader).map(({ bhs }) => bhs.readUInt32BE(16))).toEqual(tags);
});

test('data over the limit is refused when the header is there, before any data is', () => {
  const reader = new PduReader(LIMITS);
  const wire = encodePdu('textRequest', {}, Buffer.alloc(8193));
  reader.push(wire.subarray(0, 47));
  expect(reader.next()).toBeUndefined();
  reader.push(wire.subarray(47, 48));
  expectProtocolError('data_segment_too_long', () => reader.next());
});

test('additional headers over the limit are refused', () => {
  const reader = new PduReader({ maxAhsLength: 4, maxDataSegmentLength: 0 });
  const header = encodePdu('scsiCommand', {});
  header[4] = 2;
  reader.push(header);
  expectProtocolError('header_too_long', () => reader.next());
});

test('digests hold from the next PDU on, in the chunk that is there already', () => {
  const digests = { header: true, data: true };
  const reader = new PduReader(LIMITS);
  reader.push(
    Buffer.concat([
      encodePdu('loginRequest', { transit: true }, Buffer.from('A=1\0')),
      encodePdu('nopOut', { final: true }, Buffer.from('ping'), digests),
    ]),
  );
  expect(reader.next()!.data.toString()).toBe('A=1\0');
  reader.configure({ digests, limits: LIMITS });
  expect(reader.next()!.data.toString()).toBe('ping');
});

test('a broken digest ends the stream', () => {
  const digests = { header: true, data: true };
  for (const [at, code] of [
    [20, 'header_digest'],
    [52, 'data_digest'],
  ] as const) {
    const reader = new PduReader(LIMITS);
    reader.configure({ digests, limits: LIMITS });
    const wire = encodePdu('nopOut', {}, Buffer.from('ping'), digests);
    wire[at]! ^= 1;
    reader.push(wire);
    expectProtocolError(code, () => reader.next());
  }
});

test('what was read beyond the last PDU is given back once', () => {
  const reader = new PduReader(LIMITS);
  const wire = encodePdu('nopOut', {});
  reader.push(Buffer.concat([wire, wire.subarray(0, 5)]));
  reader.push(wire.subarray(5, 50));
  reader.next();
  expect(reader.rest().equals(wire.subarray(0, 48))).toBe(true);
  expect(reader.buffered).toBe(0);
  expect(reader.rest()).toHaveLength(0);
});

test('what was given back is all that was not a PDU, however it was cut', () => {
  const reader = new PduReader(LIMITS);
  for (const byte of [1, 2, 3]) reader.push(Buffer.from([byte]));
  expect(reader.buffered).toBe(3);
  expect([...reader.rest()]).toEqual([1, 2, 3]);
});

test('a PDU that comes byte by byte costs memory by its bytes, not by its chunks', () => {
  const wire = encodePdu('loginRequest', {}, Buffer.alloc(8192));
  const readers: PduReader[] = [];
  const memoryWith = (count: number): number => {
    while (readers.length < count) {
      const reader = new PduReader(LIMITS);
      for (let at = 0; at < wire.length - 1; at++) {
        reader.push(Buffer.from(Uint8Array.of(wire[at]!).buffer)); // as from a socket: with a buffer of its own
        reader.next();
      }
      readers.push(reader);
    }
    return memoryHeld();
  };
  const before = memoryWith(10); // by then all code has been compiled
  // Kept chunk by chunk it is 1.5 MB. Freed buffers are counted for a while, so the border is well above the PDU's length.
  expect((memoryWith(60) - before) / 50).toBeLessThan(256 * 1024);
  expect(readers.map(({ buffered }) => buffered)).toEqual(readers.map(() => wire.length - 1));
});
