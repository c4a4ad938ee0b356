import { createPrivateKey, X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { createAuthority } from '../../../src/pki/authority.ts';
import { issueCertificate } from '../../../src/pki/issue.ts';
import { testPki } from '../../support/certificates.ts';

const FAST = { modulusLength: 2048 };
const DAY = 86_400_000;

test('an authority is a CA, signs itself and backdates its validity', async () => {
  const now = new Date('2040-01-01T00:00:00Z');
  const { certPem, keyPem } = await createAuthority({ commonName: 'Büro 東京', days: 7300, now, ...FAST });
  const certificate = new X509Certificate(certPem);
  expect(certificate.ca).toBe(true);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.checkPrivateKey(createPrivateKey(keyPem))).toBe(true);
  expect(certificate.toLegacyObject().subject.CN).toBe('Büro 東京');
  expect(Date.parse(certificate.validFrom)).toBe(now.getTime() - 5 * 60_000);
  // beyond 2049 the time is written in another form
  expect(Date.parse(certificate.validTo)).toBe(now.getTime() + 7300 * DAY);
});

test('a leaf is signed by its authority, is no CA and carries the names and the one usage asked for', async () => {
  const { ca, authority } = await testPki();
  const { certPem } = await issueCertificate({
    authority,
    commonName: 'gw',
    usage: 'server',
    days: 30,
    dns: ['GW.example.org', '*.san.example.org'],
    ip: ['192.0.2.1', '2001:db8::1'],
    uri: ['spiffe://sangate/gw'],
    ...FAST,
  });
  const certificate = new X509Certificate(certPem);
  expect(certificate.verify(new X509Certificate(ca).publicKey)).toBe(true);
  expect(certificate.ca).toBe(false);
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  expect(certificate.subjectAltName).toBe(
    'DNS:gw.example.org, DNS:*.san.example.org, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1, URI:spiffe://sangate/gw',
  );
});

test('every serial number has 128 bits of its own', async () => {
  const { client, gateway } = await testPki();
  const serials = [client, gateway].map(({ cert }) => new X509Certificate(cert).serialNumber);
  expect(serials[0]).toMatch(/^01[0-9A-F]{32}$/);
  expect(serials[0]).not.toBe(serials[1]);
});

test('a leaf does not outlive its authority', async () => {
  const { authority, ca } = await testPki();
  const { certPem } = await issueCertificate({
    authority,
    commonName: 'x',
    usage: 'client',
    days: 3650,
    ...FAST,
  });
  expect(new X509Certificate(certPem).validTo).toBe(new X509Certificate(ca).validTo);
});

test.each([
  [{ dns: ['a.example, URI:spiffe://sangate/root'] }, 'is no DNS name'],
  [{ dns: ['192.0.2.1'] }, 'addresses belong under ip'],
  [{ dns: ['a..b'] }, 'is no DNS name'],
  [{ ip: ['192.0.2.01'] }, 'is no IP address'],
  [{ ip: ['fe80::1%eth0'] }, 'is no IP address'],
  [{ uri: ['db1'] }, 'is no URI'],
  [{ uri: ['spiffe://sangate/db1\0'] }, 'is no URI'],
  [{ commonName: 'db1\nCN=root' }, 'is no common name'],
  [{ commonName: 'x'.repeat(65) }, 'is no common name'],
  [{ days: 0 }, 'give a whole number'],
  [{ usage: 'server' as const }, 'needs a DNS name or an IP address'],
  [{ modulusLength: 1024 }, 'too weak'],
])('%j is refused', async (wrong, message) => {
  const { authority } = await testPki();
  const options = { authority, commonName: 'x', usage: 'client' as const, days: 1, ...FAST, ...wrong };
  await expect(issueCertificate(options)).rejects.toThrow(message);
});

test('an authority whose key is another one does not issue', async () => {
  const { authority, client } = await testPki();
  const mixed = { certPem: authority.certPem, keyPem: client.key };
  await expect(
    issueCertificate({ authority: mixed, commonName: 'x', usage: 'client', days: 1, ...FAST }),
  ).rejects.toThrow('does not belong to its certificate');
});

test('a leaf is no authority', async () => {
  const { client } = await testPki();
  const leaf = { certPem: client.cert, keyPem: client.key };
  await expect(
    issueCertificate({ authority: leaf, commonName: 'x', usage: 'client', days: 1, ...FAST }),
  ).rejects.toThrow('not a CA certificate');
});
