import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { addressSet, parseAddressRange } from '../../../src/config/addressSet.ts';

const FAMILIES = [
  { bits: 32, group: 8, separator: '.', radix: 10 },
  { bits: 128, group: 16, separator: ':', radix: 16 },
] as const;

type Family = (typeof FAMILIES)[number];

function show(value: bigint, { bits, group, separator, radix }: Family): string {
  const groups: string[] = [];
  for (let shift = bits - group; shift >= 0; shift -= group) {
    groups.push(((value >> BigInt(shift)) & ((1n << BigInt(group)) - 1n)).toString(radix));
  }
  return groups.join(separator);
}

/** A range and an address that often is near its borders. */
const cases = fc.constantFrom(...FAMILIES).chain((family) =>
  fc
    .record({
      prefix: fc.integer({ min: 0, max: family.bits }),
      seed: fc.bigInt(0n, (1n << BigInt(family.bits)) - 1n),
    })
    .chain(({ prefix, seed }) => {
      const size = 1n << BigInt(family.bits - prefix);
      const start = (seed / size) * size;
      const all = 1n << BigInt(family.bits);
      const address = fc
        .oneof(fc.constantFrom(start - 1n, start, start + size - 1n, start + size), fc.bigInt(0n, all - 1n))
        .filter((value) => value >= 0n && value < all);
      return address.map((value) => ({ family, prefix, start, size, value }));
    }),
);

/** ::ffff:0:0/96 is IPv4 in another notation and has rules of its own. */
const isMapped = (family: Family, value: bigint) => family.bits === 128 && value >> 32n === 0xffffn;

test('a range has exactly the addresses from its first to its last', () => {
  fc.assert(
    fc.property(cases, ({ family, prefix, start, size, value }) => {
      fc.pre(!isMapped(family, start) && !isMapped(family, value));
      const set = addressSet([parseAddressRange(`${show(start, family)}/${prefix}`)]);
      expect(set.contains(show(value, family))).toBe(value >= start && value < start + size);
    }),
    { numRuns: 2000 },
  );
});

test('a range with a bit set behind its prefix is never taken', () => {
  fc.assert(
    fc.property(cases, ({ family, prefix, start, size, value }) => {
      const inside = start + (value % size);
      fc.pre(inside !== start && !isMapped(family, inside));
      expect(() => parseAddressRange(`${show(inside, family)}/${prefix}`)).toThrow(
        /bits set behind its prefix/,
      );
    }),
    { numRuns: 2000 },
  );
});
