import { expect, test } from 'vitest';
import { CERTIFICATE_PROPERTIES } from '../../../src/config/certificateMatch.ts';

const { uri, dns, cn, sha256 } = CERTIFICATE_PROPERTIES;
const digits = '0123456789abcdef'.repeat(4);

test('a fingerprint may have colons and upper case', () => {
  const written = digits.toUpperCase().replaceAll(/..(?!$)/g, '$&:');
  expect(sha256(written)).toBe(digits);
});

test.each(['', digits.slice(1), `${digits}0`, `x${digits.slice(1)}`])('"%s" is not a fingerprint', (text) => {
  expect(() => sha256(text)).toThrow(
    expect.objectContaining({ hint: expect.stringContaining('openssl x509') as string }),
  );
});

test('a URI stays as it is written', () => {
  expect(uri('spiffe://Example.org/DB1')).toBe('spiffe://Example.org/DB1');
});

test.each(['', 'example.org/db1', 'spiffe:', 'spiffe://a b', 'spiffe://\u00e9'])(
  '"%s" is not a URI',
  (text) => {
    expect(() => uri(text)).toThrow(/is not a URI/);
  },
);

test('a DNS name is compared in lower case', () => {
  expect(dns('DB1.example.ORG')).toBe('db1.example.org');
});

test.each(['*.example.org', 'db1.example.org.', '10.0.0.1', ''])(
  '"%s" is not a DNS name of one host',
  (text) => {
    expect(() => dns(text)).toThrow(/is not a DNS name/);
  },
);

test('a common name may have spaces and any script', () => {
  expect(cn('Dátábase 1')).toBe('Dátábase 1');
});

test.each(['', ' db1', 'db1\n', 'a'.repeat(65)])('"%s" is not a common name', (text) => {
  expect(() => cn(text)).toThrow(/is not a common name/);
});
