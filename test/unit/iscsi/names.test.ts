import { expect, test } from 'vitest';
import { MAX_NAME_LENGTH, parseIscsiName } from '../../../src/iscsi/names.ts';
import { expectProtocolError } from '../../support/protocolErrors.ts';

const longest = `iqn.1993-08.org.debian:${'a'.repeat(MAX_NAME_LENGTH - 23)}`;

test.each([
  'iqn.1993-08.org.debian:01:db1',
  'iqn.2001-04.com.example',
  'iqn.2001-04.com.example:storage.disk2.sys1.xyz',
  'iqn.2001-05.com.equallogic:0-8a0906-83bcb3401-16e0002fd0a46f3d-db_1',
  'iqn.1991-05.com.microsoft:win-7',
  'eui.02004567a425678d',
  'naa.52004567ba64678d',
  'naa.62004567ba64678d0123456789abcdef',
  longest,
])('%s is a name', (name) => {
  expect(parseIscsiName(name)).toBe(name);
});

test('a name of any case has one normal form', () => {
  expect(parseIscsiName('IQN.1993-08.Org.Debian:01:DB1')).toBe('iqn.1993-08.org.debian:01:db1');
  expect(parseIscsiName('EUI.02004567A425678D')).toBe('eui.02004567a425678d');
});

test.each([
  ['', 'nothing'],
  ['iqn', 'a type alone'],
  ['iqn.2001-04', 'no naming authority'],
  ['iqn.2001-04.', 'an empty naming authority'],
  ['iqn.2001-00.com.example', 'month 0'],
  ['iqn.2001-13.com.example', 'month 13'],
  ['iqn.01-04.com.example', 'a year of two digits'],
  ['iqn.2001-04.com.example:', 'an empty string behind the colon'],
  ['iqn.2001-04.-com.example', 'a naming authority that begins with a hyphen'],
  ['iqn.2001-04.com.example.:disk', 'a naming authority that ends with a dot'],
  ['iqn.2001-04.com.example:disk 1', 'a space'],
  ['iqn.2001-04.com.example:../../etc/passwd', 'slashes'],
  ['iqn.2001-04.com.example:disk\n', 'a line end'],
  ['iqn.2001-04.com.example:disk\u0000', 'a zero byte'],
  ['iqn.2001-04.com.example:*', 'a pattern'],
  ['iqn.2001-04.com.example:d\u00edsk', 'a letter outside ASCII'],
  ['iqn.2001-04.com.example:dis\u212a', 'a Kelvin sign, whose lower case is an ASCII k'],
  ['iqn.2001-04.com.example:d\u0130sk', 'a letter whose lower case is longer'],
  ['eui.02004567a425678', 'eui. with 15 digits'],
  ['eui.02004567a425678g', 'eui. with a stray digit'],
  ['naa.52004567ba64678d0', 'naa. with 17 digits'],
  ['xyz.2001-04.com.example', 'an unknown type'],
  [' iqn.2001-04.com.example', 'a space in front'],
  [`${longest}a`, 'a name of 224 bytes'],
])('%j is no name: %s', (name) => {
  expectProtocolError('bad_name', () => parseIscsiName(name));
});
