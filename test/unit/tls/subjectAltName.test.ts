import { expect, test } from 'vitest';
import { parseSubjectAltName } from '../../../src/tls/subjectAltName.ts';

test('names are told apart by the comma and space between them', () => {
  expect(parseSubjectAltName('DNS:a.example, IP Address:2001:DB8:0:0:0:0:0:1, Registered ID:1.2.3')).toEqual([
    { type: 'DNS', value: 'a.example' },
    { type: 'IP Address', value: '2001:DB8:0:0:0:0:0:1' },
    { type: 'Registered ID', value: '1.2.3' },
  ]);
});

test('a quoted value is unescaped and may hold what looks like a name', () => {
  expect(parseSubjectAltName(String.raw`DNS:"a\u002c URI:b\u0000\"\\", othername:<unsupported>`)).toEqual([
    { type: 'DNS', value: 'a, URI:b\0"\\' },
    { type: 'othername', value: '<unsupported>' },
  ]);
});

test('no names are no names', () => {
  expect(parseSubjectAltName('')).toEqual([]);
});

test.each([
  'DNS',
  ':a',
  'DNS:a,URI:b',
  'DNS:a, ',
  'DNS:a,',
  'DNS:"a',
  'DNS:"a"b',
  'DNS:a"b"',
  "DNS:'a'",
  'DNS:a\\u002c',
  'DNS:a\nURI:b',
  String.raw`DNS:"\n"`,
])('%j is refused', (text) => {
  expect(() => parseSubjectAltName(text)).toThrow('form that Node documents');
});
