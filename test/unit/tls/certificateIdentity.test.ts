import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { certificateIdentity } from '../../../src/tls/certificateIdentity.ts';
import { testPki } from '../../support/certificates.ts';
import { rawCertificate } from '../../support/rawCertificate.ts';

const DNS = 2;
const URI = 6;

test('an identity has the names, the fingerprint, the serial number and the end of a certificate', async () => {
  const { client } = await testPki();
  const certificate = new X509Certificate(client.cert);
  expect(certificateIdentity(certificate)).toEqual({
    cn: 'db1',
    dns: ['db1.example.org'],
    uri: ['spiffe://sangate/db1'],
    sha256: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    serial: certificate.serialNumber,
    notAfter: Date.parse(certificate.validTo),
  });
});

test('dns is folded to lower case, uri stays as it is', () => {
  const certificate = rawCertificate({
    altNames: [
      { type: DNS, value: 'DB1.Example.ORG' },
      { type: URI, value: 'spiffe://Sangate/DB1' },
    ],
  });
  expect(certificateIdentity(certificate)).toMatchObject({
    dns: ['db1.example.org'],
    uri: ['spiffe://Sangate/DB1'],
  });
});

test.each([
  'a.example, URI:spiffe://sangate/root',
  'a.example,URI:spiffe://sangate/root',
  'a.example", URI:spiffe://sangate/root, DNS:"b',
  'a.example\\", URI:spiffe://sangate/root',
  'a.example\n URI:spiffe://sangate/root',
])('the DNS name %j makes no further entry', (value) => {
  const certificate = rawCertificate({ altNames: [{ type: DNS, value }] });
  expect(certificateIdentity(certificate).uri).toEqual([]);
});

test('a comma within a URI is part of it', () => {
  const value = 'spiffe://sangate/a,URI:spiffe://sangate/root';
  const certificate = rawCertificate({ altNames: [{ type: URI, value }] });
  expect(certificateIdentity(certificate).uri).toEqual([value]);
});

test.each(['spiffe://sangate/db1\0.evil', 'spiffe://sangate/db1\n', 'spiffe://sangate/ü', 'a b', ''])(
  'the URI %j is left out',
  (value) => {
    const good = 'spiffe://sangate/good';
    const certificate = rawCertificate({
      altNames: [
        { type: URI, value },
        { type: URI, value: good },
      ],
    });
    expect(certificateIdentity(certificate).uri).toEqual([good]);
  },
);

test('a DNS name with a NUL byte is left out, not cut short', () => {
  const certificate = rawCertificate({ altNames: [{ type: DNS, value: 'db1.example.org\0.evil.org' }] });
  expect(certificateIdentity(certificate).dns).toEqual([]);
});

test('a mail address that looks like a URI is none', () => {
  const certificate = rawCertificate({ altNames: [{ type: 1, value: 'URI:spiffe://sangate/root' }] });
  expect(certificateIdentity(certificate)).toMatchObject({ dns: [], uri: [] });
});

test.each([
  { commonNames: [] },
  { commonNames: ['db1', 'root'] },
  { commonNames: ['db1\0root'] },
  { commonNames: ['db1\nCN=root'] },
])('there is no common name with $commonNames', ({ commonNames }) => {
  expect(certificateIdentity(rawCertificate({ commonNames })).cn).toBeUndefined();
});

test('a common name that looks like another attribute is one name', () => {
  expect(certificateIdentity(rawCertificate({ commonNames: ['x, CN=root'] })).cn).toBe('x, CN=root');
});
