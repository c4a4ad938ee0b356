import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Digests } from '../../../src/iscsi/pdu.ts';
import { PduReader } from '../../../src/iscsi/pduReader.ts';
import { Disposition, PduStream, type DispositionValue } from '../../../src/iscsi/pduStream.ts';
import { anyCuts } from '../../support/anyPdu.ts';
import { inChunks } from '../../support/fuzz.ts';
import { naivePdus, naiveWire, withHeaderDigest } from '../../support/naiveCodec.ts';

const LIMITS = { maxAhsLength: 1020, maxDataSegmentLength: 4096 };

const anyDigests: fc.Arbitrary<Digests> = fc.record({ header: fc.boolean(), data: fc.boolean() });

/** Any bytes as header, additional headers and data; often small, often at the edge of a word. */
const anyParts = fc.record({
  bhs: fc.uint8Array({ minLength: 48, maxLength: 48 }).map((bytes) => Buffer.from(bytes)),
  ahsWords: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(4), fc.constant(255)),
  dataLength: fc.oneof(fc.constant(0), fc.nat(9), fc.nat(600), fc.nat(4096)),
});

const anyStream = anyDigests.chain((digests) =>
  fc.array(anyParts, { maxLength: 12 }).map((parts) => {
    const wires = parts.map(({ bhs, ahsWords, dataLength }) =>
      naiveWire(bhs, Buffer.alloc(ahsWords * 4, bhs[1]), Buffer.alloc(dataLength, bhs[2]), digests),
    );
    return { digests, stream: Buffer.concat(wires) };
  }),
);

/** What is done with a PDU depends on its last byte alone, so both sides of the comparison know. */
const dispositionOf = (header: Buffer): DispositionValue => (header[47]! % 3) as DispositionValue;
const patch = (header: Buffer): void => void header.writeUInt32BE(0xabad1dea, 24);

interface Seen {
  readonly headers: string[];
  /** Runs of passed bytes in hex, with the collected PDUs in between. */
  readonly output: string[];
}

function pass(seen: Seen, bytes: Buffer): void {
  const last = seen.output.at(-1);
  if (last === undefined || last.startsWith('collected')) seen.output.push('');
  seen.output[seen.output.length - 1] += bytes.toString('hex');
}

function collect(seen: Seen, header: Buffer, data: Buffer): void {
  seen.output.push(`collected ${header.toString('hex')} ${data.toString('hex')}`);
}

test('a stream comes out the same however it was cut: headers, patches, digests, collected PDUs', () => {
  fc.assert(
    fc.property(anyStream, anyCuts(), ({ digests, stream }, cuts) => {
      const expected: Seen = { headers: [], output: [] };
      for (const { header: sent, body, data } of naivePdus(stream, digests)) {
        const header = Buffer.from(sent);
        expected.headers.push(header.toString('hex'));
        const disposition = dispositionOf(header);
        if (disposition === Disposition.passPatched) patch(header);
        if (disposition === Disposition.collect) collect(expected, header, data);
        else pass(expected, Buffer.concat([withHeaderDigest(header, digests), body]));
      }

      const seen: Seen = { headers: [], output: [] };
      const framer = new PduStream(
        {
          header: (bytes, at) => {
            const header = bytes.subarray(at, at + 48 + bytes[at + 4]! * 4);
            seen.headers.push(header.toString('hex'));
            const disposition = dispositionOf(header);
            if (disposition === Disposition.passPatched) patch(header);
            return disposition;
          },
          collected: ({ bhs, ahs, data }) => collect(seen, Buffer.concat([bhs, ahs]), data),
          absorbed: () => {},
          pass: (view) => pass(seen, view),
        },
        { digests, maxDataSegmentLength: 4096, maxCollectedLength: 4096 },
      );
      for (const chunk of inChunks(Buffer.from(stream), cuts)) framer.push(chunk);
      expect(seen).toEqual(expected);
      expect(framer.isAtBoundary).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test('a reader gives out the same PDUs however their bytes were cut', () => {
  fc.assert(
    fc.property(anyStream, anyCuts(), ({ digests, stream }, cuts) => {
      const reader = new PduReader(LIMITS);
      reader.configure({ digests, limits: LIMITS });
      const read: string[] = [];
      for (const chunk of inChunks(stream, cuts)) {
        reader.push(chunk);
        for (let pdu = reader.next(); pdu !== undefined; pdu = reader.next()) {
          read.push(Buffer.concat([pdu.bhs, pdu.ahs]).toString('hex'), pdu.data.toString('hex'));
        }
      }
      const expected = naivePdus(stream, digests).flatMap(({ header, data }) => [
        header.toString('hex'),
        data.toString('hex'),
      ]);
      expect(read).toEqual(expected);
      expect(reader.buffered).toBe(0);
    }),
    { numRuns: 1000 },
  );
});

test('whatever a reader still holds, it gives back', () => {
  fc.assert(
    fc.property(anyStream, anyCuts(), fc.nat(), ({ digests, stream }, cuts, at) => {
      const end = stream.length === 0 ? 0 : at % stream.length;
      const reader = new PduReader(LIMITS);
      reader.configure({ digests, limits: LIMITS });
      let taken = 0;
      for (const chunk of inChunks(stream.subarray(0, end), cuts)) {
        reader.push(chunk);
        while (reader.next() !== undefined) taken++;
      }
      const pdus = naivePdus(stream, digests).slice(0, taken);
      const length = pdus.reduce(
        (sum, { header, body }) => sum + withHeaderDigest(header, digests).length + body.length,
        0,
      );
      expect(reader.rest().equals(stream.subarray(length, end))).toBe(true);
    }),
    { numRuns: 300 },
  );
});
