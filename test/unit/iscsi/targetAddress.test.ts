import { expect, test } from 'vitest';
import { formatPortal, parseTargetAddress } from '../../../src/iscsi/targetAddress.ts';
import { expectProtocolError } from '../../support/protocolErrors.ts';

test.each([
  ['10.0.0.5', { host: '10.0.0.5', port: 3260 }],
  ['10.0.0.5:3261', { host: '10.0.0.5', port: 3261 }],
  ['10.0.0.5:3261,1', { host: '10.0.0.5', port: 3261, portalGroupTag: 1 }],
  ['10.0.0.5,65535', { host: '10.0.0.5', port: 3260, portalGroupTag: 65535 }],
  ['array-1.example.com:65535,0', { host: 'array-1.example.com', port: 65535, portalGroupTag: 0 }],
  ['localhost', { host: 'localhost', port: 3260 }],
  ['[2001:db8::5]', { host: '2001:db8::5', port: 3260 }],
  ['[2001:DB8:0:0:0:0:0:5]:3261', { host: '2001:DB8:0:0:0:0:0:5', port: 3261 }],
  ['[::1]:3260,1', { host: '::1', port: 3260, portalGroupTag: 1 }],
  ['[::]:3260', { host: '::', port: 3260 }],
  ['[::ffff:10.0.0.5]:3260', { host: '::ffff:10.0.0.5', port: 3260 }],
  ['[1:2:3:4:5:6:7::]', { host: '1:2:3:4:5:6:7::', port: 3260 }],
  ['[1:2:3:4:5:6:10.0.0.5]', { host: '1:2:3:4:5:6:10.0.0.5', port: 3260 }],
])('%s', (text, address) => {
  expect(parseTargetAddress(text)).toEqual(address);
});

test.each([
  ['', 'nothing'],
  [':3260', 'no host'],
  ['10.0.0.5:', 'no port behind the colon'],
  ['10.0.0.5:0', 'port 0'],
  ['10.0.0.5:65536', 'a port over 65535'],
  ['10.0.0.5:3260,', 'no tag behind the comma'],
  ['10.0.0.5:3260,65536', 'a tag over 65535'],
  ['10.0.0.5:3260,-1', 'a tag below 0'],
  ['10.0.0.5:3260,1,2', 'two tags'],
  ['10.0.0.5:3260:3260', 'two ports'],
  ['2001:db8::5', 'IPv6 without brackets'],
  ['2001:db8::5:3260,1', 'IPv6 without brackets'],
  ['[fe80::1%eth0]:3260', 'a scope id'],
  ['[fe80::1%2]:3260,1', 'a scope id'],
  ['[10.0.0.5]:3260', 'IPv4 in brackets'],
  ['[example.com]:3260', 'a name in brackets'],
  ['[]:3260', 'empty brackets'],
  ['[::1', 'one bracket'],
  ['[::1]3260', 'no colon behind the bracket'],
  ['[:]', 'colons that are no address'],
  ['[:::]', 'colons that are no address'],
  ['[1::2::3]', 'two runs of zeros'],
  ['[1:2:3:4:5:6:7]', 'seven groups'],
  ['[1:2:3:4:5:6:7:8:9]', 'nine groups'],
  ['[1:2:3:4:5:6:7:8::]', 'nothing left for the run of zeros'],
  ['[12345::]', 'a group of five digits'],
  ['[::1.2.3]', 'three parts of IPv4'],
  ['[::1.2.3.256]', 'a part of IPv4 over 255'],
  ['[::1.2.3.4:5]', 'IPv4 in the middle'],
  ['-array.example.com', 'a name that begins with a hyphen'],
  ['array.example.com.-', 'a name that ends with a hyphen'],
  ['array example.com', 'a space'],
  ['10.0.0.5:3260\n', 'a line end'],
  ['10.0.0.5/24', 'a range'],
  [`${'a'.repeat(256)}:3260`, 'a name of 256 characters'],
])('%j is refused: %s', (text) => {
  expectProtocolError('bad_value', () => parseTargetAddress(text));
});

test('a portal is written with its port, IPv6 in brackets', () => {
  expect(formatPortal({ host: '10.0.0.5', port: 3260 })).toBe('10.0.0.5:3260');
  expect(formatPortal({ host: '2001:db8::5', port: 3261 })).toBe('[2001:db8::5]:3261');
});
