import { expect, test } from 'vitest';
import { parseName, parseTargetPattern } from '../../../src/config/targetPattern.ts';

test('names and patterns come out in lower case', () => {
  expect(parseName('IQN.1993-08.org.debian:01:DB1')).toBe('iqn.1993-08.org.debian:01:db1');
  expect(parseTargetPattern('IQN.2001-05.com.EqualLogic:*-DB1-*')).toBe('iqn.2001-05.com.equallogic:*-db1-*');
});

test.each(['*', '*-db1', 'iqn.*', 'iq*', 'eui.0123*', 'naa.6*'])('%s can match a name', (pattern) => {
  expect(parseTargetPattern(pattern)).toBe(pattern);
});

test.each(['db1-*', 'iqx.*', 'iqn2*'])('%s can match no name', (pattern) => {
  expect(() => parseTargetPattern(pattern)).toThrow(/matches no name/);
});

test.each(['iqn.2001-05.com.x:db?*', 'iqn.2001-05.com.x:[ab]*', 'iqn.* ', `iqn.${'a'.repeat(220)}*`])(
  '%s has more than names and * can have',
  (pattern) => {
    expect(() => parseTargetPattern(pattern)).toThrow(
      expect.objectContaining({ hint: expect.stringMatching(/^\* is the only wildcard/) as string }),
    );
  },
);

test('a pattern without * is a whole name', () => {
  expect(() => parseTargetPattern('iqn.2001-05')).toThrow(/not an iSCSI name/);
});
