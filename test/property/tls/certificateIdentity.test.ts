import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { certificateIdentity } from '../../../src/tls/certificateIdentity.ts';
import { rawCertificate } from '../../support/rawCertificate.ts';

const DNS = 2;
const URI = 6;

/** Pieces that a parser of joined names may trip over, and any byte at all. */
const value = fc
  .array(
    fc.oneof(
      fc.constantFrom(', ', 'URI:', 'DNS:', '"', '\\', '\\u002c', "'", '\0', 'spiffe://sangate/root'),
      fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte)),
    ),
    { maxLength: 8 },
  )
  .map((pieces) => pieces.join(''));

const printable = (text: string): boolean => /^[!-~]+$/.test(text);

test('whatever bytes a certificate has in its names, the identity has its printable names and no other', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ type: fc.constantFrom(DNS, URI, 1), value }), { maxLength: 5 }),
      (altNames) => {
        const identity = certificateIdentity(rawCertificate({ altNames }));
        const of = (type: number): string[] =>
          altNames.filter((name) => name.type === type && printable(name.value)).map(({ value }) => value);
        expect(identity.dns).toEqual(of(DNS).map((name) => name.toLowerCase()));
        expect(identity.uri).toEqual(of(URI));
      },
    ),
    { numRuns: 300 },
  );
});
