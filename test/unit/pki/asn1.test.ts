import { expect, test } from 'vitest';
import { encode, integer, time } from '../../../src/pki/asn1.ts';

test.each([
  ['0', '020100'],
  ['7f', '02017f'],
  ['80', '02020080'],
  ['0001', '020101'],
  ['fff', '02020fff'],
  ['FFFF', '020300ffff'],
])('the integer %s is positive and as short as DER wants it', (hex, der) => {
  expect(encode(integer(hex)).toString('hex')).toBe(der);
});

test('a time is UTCTime until 2049 and GeneralizedTime afterwards', () => {
  expect(
    encode(time(new Date('2049-12-31T23:59:59Z')))
      .subarray(2)
      .toString(),
  ).toBe('491231235959Z');
  expect(
    encode(time(new Date('2050-01-01T00:00:00Z')))
      .subarray(2)
      .toString(),
  ).toBe('20500101000000Z');
});
