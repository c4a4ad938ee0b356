import { expect, test } from 'vitest';
import { matchesTarget } from '../../../src/policy/targetPattern.ts';

test.each([
  ['iqn.2001-05.com.example:disk', 'iqn.2001-05.com.example:disk'],
  ['*', 'iqn.2001-05.com.example:disk'],
  ['iqn.2001-05.com.example:*', 'iqn.2001-05.com.example:disk'],
  ['iqn.2001-05.com.example:disk*', 'iqn.2001-05.com.example:disk'],
  ['*disk', 'iqn.2001-05.com.example:disk'],
  ['iqn.*:*-db1-*', 'iqn.2001-05.com.example:array-db1-data'],
  ['**', 'a'],
  ['a*b*c', 'abbbcbc'],
])('%s covers %s', (pattern, name) => {
  expect(matchesTarget(pattern, name)).toBe(true);
});

test.each([
  ['iqn.2001-05.com.example:disk', 'iqn.2001-05.com.example:disk2'],
  ['iqn.2001-05.com.example:disk', 'iqn.2001-05.com.example:dis'],
  ['iqn.2001-05.com.example:*', 'iqn.2001-05.com.example'],
  ['*-db1-*', 'iqn.2001-05.com.example:db1'],
  ['iqn.2001-05.com.example:disk', 'iqn-2001-05-com-example:disk'],
  ['*a', ''],
  ['', 'a'],
  ['a?c', 'abc'],
  ['[ab]', 'a'],
])('%s does not cover %s', (pattern, name) => {
  expect(matchesTarget(pattern, name)).toBe(false);
});
