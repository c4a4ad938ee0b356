import { expect, test } from 'vitest';
import {
  encodeProxyHeader,
  mayBeProxyHeader,
  readProxyHeader,
  type ProxyHeader,
} from '../../../src/transport/proxyHeader.ts';

const SIGNATURE = '0d0a0d0a000d0a515549540a';
const V4: ProxyHeader = {
  source: { host: '203.0.113.7', port: 51234 },
  destination: { host: '192.0.2.1', port: 3260 },
};
const V4_HEX = `${SIGNATURE}2111000ccb007107c0000201c8220cbc`;
const V6: ProxyHeader = {
  source: { host: '2001:db8::7', port: 51234 },
  destination: { host: 'fe80::1', port: 3260 },
};
const V6_HEX = `${SIGNATURE}2121002420010db8000000000000000000000007fe800000000000000000000000000001c8220cbc`;

const read = (hex: string) => readProxyHeader(Buffer.from(hex, 'hex'));

/** A header with another length field and what follows its fixed part. */
function header(versionAndCommand: string, family: string, rest: string): string {
  return SIGNATURE + versionAndCommand + family + (rest.length / 2).toString(16).padStart(4, '0') + rest;
}

test.each([
  ['IPv4', V4, V4_HEX],
  ['IPv6', V6, V6_HEX],
])('%s stands as in the specification', (_, addresses, hex) => {
  expect(encodeProxyHeader(addresses).toString('hex')).toBe(hex);
  expect(read(hex)).toEqual({ kind: 'header', header: addresses, length: hex.length / 2 });
});

test('IPv4 and IPv6 together go as IPv6, and the mapped address is read as IPv4', () => {
  const mixed = { source: V4.source, destination: V6.destination };
  const wire = encodeProxyHeader(mixed);
  expect(wire.subarray(13, 32).toString('hex')).toBe('21002400000000000000000000ffffcb007107');
  expect(readProxyHeader(wire)).toMatchObject({ header: mixed });
});

test.each([
  '::',
  '::1',
  '2001:db8::',
  '1:2:3:4:5:6:7:8',
  '::fffe:0:1',
  '64:ff9b::1',
  '1::8',
  '2001:db8:0:1:0:2:0:3',
])('%s survives', (host) => {
  const addresses = { source: { host, port: 1 }, destination: { host, port: 65535 } };
  expect(readProxyHeader(encodeProxyHeader(addresses))).toMatchObject({ header: addresses });
});

test('the mapped spelling of an IPv4 address is written as it should be', () => {
  const { source, destination } = V6;
  const wire = encodeProxyHeader({ source: { ...source, host: '::ffff:203.0.113.7' }, destination });
  expect(readProxyHeader(wire)).toMatchObject({ header: { source: V4.source } });
});

test('what is no address is not written', () => {
  expect(() => encodeProxyHeader({ ...V4, destination: { host: 'gw.example.org', port: 3260 } })).toThrow(
    TypeError,
  );
});

test('the name that was dialled goes along', () => {
  const named = { ...V4, authority: 'gw.example.org' };
  const wire = encodeProxyHeader(named);
  expect(wire.subarray(28).toString('hex')).toBe(`02000e${Buffer.from('gw.example.org').toString('hex')}`);
  expect(readProxyHeader(wire)).toEqual({ kind: 'header', header: named, length: 45 });
});

const ADDRESSES = V4_HEX.slice(32);
const tlv = (type: string, value: Buffer) =>
  type + value.length.toString(16).padStart(4, '0') + value.toString('hex');

test.each([
  ['alone', tlv('02', Buffer.from('gw1'))],
  [
    'behind others',
    tlv('01', Buffer.from('h2')) + tlv('04', Buffer.alloc(3)) + tlv('02', Buffer.from('gw1')),
  ],
  ['before another of its kind', tlv('02', Buffer.from('gw1')) + tlv('02', Buffer.from('gw2'))],
  ['behind one that is no name', tlv('02', Buffer.from('../x')) + tlv('02', Buffer.from('gw1'))],
])('the authority is found %s', (_, values) => {
  expect(read(header('21', '11', ADDRESSES + values))).toMatchObject({ header: { authority: 'gw1' } });
});

test.each([
  ['empty', tlv('02', Buffer.alloc(0))],
  ['with a line end', tlv('02', Buffer.from('gw\n'))],
  ['with a zero byte', tlv('02', Buffer.from('gw\0'))],
  ['with a colon', tlv('02', Buffer.from('gw:1'))],
  ['outside ASCII', tlv('02', Buffer.from('gẅ'))],
  ['of 256 bytes', tlv('02', Buffer.alloc(256, 'g'))],
  ['cut short', `02000a${Buffer.from('gw1').toString('hex')}`],
  ['that is half a header', '0200'],
])('an authority %s is left out, the addresses stay', (_, values) => {
  const result = read(header('21', '11', ADDRESSES + values));
  expect(result).toMatchObject({ kind: 'header', header: V4 });
  expect(result).not.toHaveProperty('header.authority');
});

test.each([
  ['with addresses', header('20', '11', ADDRESSES)],
  ['of no family', header('20', '00', '')],
  ['with a family that nobody knows', header('20', '44', 'ffff')],
])('LOCAL %s is a header without addresses', (_, hex) => {
  expect(read(hex)).toEqual({ kind: 'header', length: hex.length / 2 });
});

test.each([
  ['another first byte', `16${V4_HEX.slice(2)}`],
  ['another last byte of the signature', `${SIGNATURE.slice(0, -2)}0b${V4_HEX.slice(24)}`],
  ['version 1', header('11', '11', ADDRESSES)],
  ['an unknown command', header('22', '11', ADDRESSES)],
  ['no family', header('21', '00', '')],
  ['UDP', header('21', '12', ADDRESSES)],
  ['a UNIX socket', header('21', '31', '00'.repeat(216))],
  ['addresses that are cut short', header('21', '11', ADDRESSES.slice(2))],
  ['IPv6 with the addresses of IPv4', header('21', '21', ADDRESSES)],
  ['more than 512 bytes', header('21', '11', ADDRESSES + '00'.repeat(512 - 16 - 12 + 1))],
  ['the length 65535', `${SIGNATURE}2111ffff`],
])('%s is malformed', (_, hex) => {
  expect(read(hex)).toMatchObject({ kind: 'malformed' });
});

test('512 bytes are taken', () => {
  const hex = header('21', '11', ADDRESSES + '00'.repeat(512 - 16 - 12));
  expect(read(hex)).toMatchObject({ kind: 'header', header: V4, length: 512 });
});

test('until the last byte is there, more is asked for; what follows is left alone', () => {
  const wire = Buffer.from(V4_HEX, 'hex');
  for (let length = 0; length < wire.length; length++) {
    expect(readProxyHeader(wire.subarray(0, length))).toEqual({ kind: 'more' });
  }
  expect(readProxyHeader(Buffer.concat([wire, wire]))).toMatchObject({ kind: 'header', length: wire.length });
});

test('a signature that goes wrong is malformed at that byte', () => {
  expect(read('0d0a0d0a01')).toMatchObject({ kind: 'malformed' });
});

test('the first byte tells it from a Login Request', () => {
  expect(mayBeProxyHeader(0x0d)).toBe(true);
  expect([0x43, 0x03, 0x16, 0x47, 0x50].map(mayBeProxyHeader)).not.toContain(true);
});
