import { expect, test } from 'vitest';
import { isLoopback, parseDnsName, parsePortal } from '../../../src/config/portal.ts';

const dial = (text: string) => parsePortal(text, { defaultPort: 3260, purpose: 'dial' });
const listen = (text: string) => parsePortal(text, { defaultPort: 3261, purpose: 'listen' });

test.each([
  ['10.0.0.5:3262', '10.0.0.5', 3262],
  ['10.0.0.5', '10.0.0.5', 3260],
  ['[2001:DB8:0::5]:3262', '2001:db8::5', 3262],
  ['[2001:db8::5]', '2001:db8::5', 3260],
  ['Array1.Example.org:1', 'array1.example.org', 1],
  ['array1', 'array1', 3260],
])('%s is host %s, port %i', (text, host, port) => {
  expect(dial(text)).toEqual({ host, port });
});

test('a listener may take every address and leave the port to the kernel', () => {
  expect(listen('0.0.0.0:0')).toEqual({ host: '0.0.0.0', port: 0 });
  expect(listen('[::]')).toEqual({ host: '::', port: 3261 });
});

test.each([
  ['0.0.0.0:3260', 'write the address of one machine'],
  ['[0:0::0]:3260', 'write the address of one machine'],
  ['10.0.0.5:0', 'write a port from 1 to 65535, or leave ":port" out for 3260'],
  ['10.0.0.5:65536', 'write a port from 1 to 65535, or leave ":port" out for 3260'],
  ['10.0.0.5:', 'write a port from 1 to 65535, or leave ":port" out for 3260'],
  ['10.0.0.5:3260,1', 'write a port from 1 to 65535, or leave ":port" out for 3260'],
  ['2001:db8::5', 'write [2001:db8::5]:3260'],
  ['2001:db8::5:3262', 'write [2001:db8::5]:3262'],
  ['[10.0.0.5]:3260', 'write [2001:db8::1]:3260; IPv4 addresses and names stand without brackets'],
  ['fe80::1%eth0', 'write an address that is valid without a zone, not a link-local one'],
  ['https://gw:3261', 'write host:port without a scheme'],
])('%s is answered with: %s', (text, hint) => {
  expect(() => dial(text)).toThrow(expect.objectContaining({ hint }));
});

test.each([
  '',
  ':3260',
  '10.0.0',
  '256.0.0.1',
  '010.0.0.1',
  'a b',
  'host_name',
  '-x',
  'x-',
  'a..b',
  'host/24',
])('"%s" has no host that can be dialled', (text) => {
  expect(() => dial(text)).toThrow(/no valid IP address or host name/);
});

test('DNS names are lower-cased, and never look like an IPv4 address', () => {
  expect(parseDnsName('DB1.Example.org')).toBe('db1.example.org');
  expect(parseDnsName('1.2.3.4')).toBeUndefined();
  expect(parseDnsName('*.example.org')).toBeUndefined();
  expect(parseDnsName(`${'a'.repeat(64)}.org`)).toBeUndefined();
});

test.each([
  ['127.0.0.1', true],
  ['127.255.0.9', true],
  ['::1', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['127.example.org', false],
])('%s on loopback alone: %s', (host, loopback) => {
  expect(isLoopback(host)).toBe(loopback);
});
