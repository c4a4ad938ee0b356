import { expect, test } from 'vitest';
import { addressSet, covers, parseAddressRange } from '../../../src/config/addressSet.ts';
import { ValueError } from '../../../src/config/problem.ts';

const setOf = (...ranges: string[]) => addressSet(ranges.map(parseAddressRange));

test.each([
  ['203.0.113.0/24', '203.0.113.255', '203.0.114.0'],
  ['203.0.113.7', '203.0.113.7', '203.0.113.8'],
  ['2001:db8::/48', '2001:db8:0:ffff::1', '2001:db8:1::'],
  ['2001:db8::1', '2001:0DB8:0:0::1', '2001:db8::2'],
  ['0.0.0.0/0', '255.255.255.255', '::1'],
  ['::/0', '2001:db8::1', '10.0.0.1'],
])('%s has %s and not %s', (range, inside, outside) => {
  expect(setOf(range).contains(inside)).toBe(true);
  expect(setOf(range).contains(outside)).toBe(false);
});

test('an IPv4 peer on an IPv6 socket is an IPv4 peer', () => {
  expect(setOf('203.0.113.0/24').contains('::ffff:203.0.113.7')).toBe(true);
  expect(setOf('203.0.113.0/24').contains('::FFFF:cb00:7107')).toBe(true);
  expect(setOf('::/0').contains('::ffff:203.0.113.7')).toBe(false);
});

test.each(['', 'localhost', 'fe80::1%eth0', '010.0.0.1', '10.0.0.1/8', '[::1]', '10.0.0.1:3260'])(
  'what is not a bare address (%s) is in no set',
  (text) => {
    expect(setOf('0.0.0.0/0', '::/0').contains(text)).toBe(false);
  },
);

test('the empty set has nobody', () => {
  expect(addressSet([]).contains('10.0.0.1')).toBe(false);
});

test('a set shows itself as it was written', () => {
  expect(String(setOf('203.0.113.0/24', '2001:DB8::/48'))).toBe('203.0.113.0/24, 2001:DB8::/48');
});

test.each([
  ['10.1.2.3/8', 'write 10.0.0.0/8 for the range or 10.1.2.3 for the one address'],
  ['2001:db8::1/32', 'write 2001:db8::/32 for the range or 2001:db8::1 for the one address'],
  ['::192.0.2.1/100', 'write ::192.0.0.0/100 for the range or ::192.0.2.1 for the one address'],
  ['::1/0', 'write ::/0 for the range or ::1 for the one address'],
  ['[2001:db8::1]', 'write 2001:db8::1 without brackets'],
  ['010.000.0.1/32', 'write 10.0.0.1/32'],
  ['fe80::1%eth0', 'write the address without its zone'],
  ['::ffff:10.1.2.3', 'write 10.1.2.3, which matches both notations'],
  ['::ffff:10.0.0.0/104', 'write 10.0.0.0/8, which matches both notations'],
  ['::ffff:0:0/96', 'write 0.0.0.0/0, which matches both notations'],
  ['10.0.0.0/33', 'write a number from 0 to 32 behind the slash'],
  ['10.0.0.0/08', 'write a number from 0 to 32 behind the slash'],
  ['2001:db8::/129', 'write a number from 0 to 128 behind the slash'],
  ['10.0.0.0/255.0.0.0', 'write a number from 0 to 32 behind the slash'],
])('%s is answered with: %s', (text, hint) => {
  expect(() => parseAddressRange(text)).toThrow(expect.objectContaining({ hint }));
});

test.each([
  '',
  '*',
  '10.0.0',
  '10.0.0.1:3260',
  '10.0.0.1-10.0.0.9',
  '10.0.0.0/8/8',
  'db1.example.org',
  ' 10.0.0.1',
])('"%s" is not a range', (text) => {
  expect(() => parseAddressRange(text)).toThrow(ValueError);
});

test('a range covers a narrower one of its family, and itself', () => {
  const [wide, narrow, other] = ['10.0.0.0/8', '10.9.0.0/16', '11.0.0.0/16'].map(parseAddressRange);
  const ipv6 = parseAddressRange('::/0');
  expect(covers(wide!, narrow!)).toBe(true);
  expect(covers(wide!, wide!)).toBe(true);
  expect(covers(narrow!, wide!)).toBe(false);
  expect(covers(wide!, other!)).toBe(false);
  expect(covers(ipv6, narrow!)).toBe(false);
});

test.each(['203.0.113.0/24', '203.0.113.7', '0.0.0.0/0', '::/0', '2001:db8::/48', '::192.0.2.1'])(
  '%s has its own example',
  (range) => {
    const set = setOf(range);
    expect(set.contains(set.example)).toBe(true);
  },
);
