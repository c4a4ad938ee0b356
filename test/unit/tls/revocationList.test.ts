import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { createCrl } from '../../../src/pki/createCrl.ts';
import { RevocationList } from '../../../src/tls/revocationList.ts';
import { testPki } from '../../support/certificates.ts';
import { mint, mintCrl } from '../../support/minting.ts';

test.each(['2026-02-03T04:05:06Z', '2049-12-01T00:00:00Z'])(
  'a CRL of %s tells when the next one is due',
  async (now) => {
    const { authority } = await testPki();
    const issued = new Date(now);
    const pem = createCrl({ authority, revoked: [], number: 1, nextUpdateDays: 60, now: issued });
    expect(new RevocationList(pem).nextUpdate).toBe(issued.getTime() + 60 * 86_400_000);
  },
);

test('a CRL knows the authority that signed it from one that did not', async () => {
  const { crl, ca, client } = await testPki();
  const list = new RevocationList(crl);
  expect(list.isSignedBy(new X509Certificate(ca))).toBe(true);
  expect(list.isSignedBy(new X509Certificate(client.cert))).toBe(false);
});

test('a certificate is no CRL', async () => {
  const { ca } = await testPki();
  expect(() => new RevocationList(ca)).toThrow(RangeError);
});

test('a CRL that is cut anywhere is refused', async () => {
  const { crl } = await testPki();
  const der = Buffer.from(crl.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  for (let length = 0; length < der.length; length++) {
    const cut = der.subarray(0, length).toString('base64');
    expect(() => new RevocationList(`-----BEGIN X509 CRL-----\n${cut}\n-----END X509 CRL-----\n`)).toThrow(
      RangeError,
    );
  }
});

test.each(['rsa', 'rsa-pss', 'ec', 'ed25519'] as const)(
  'a CRL with a signature of kind %s knows its authority from those of every other kind',
  (kind) => {
    const authority = mint('CA', { kind, ca: true });
    const others = (['rsa', 'ec', 'ed25519'] as const).map((other) => mint('CA', { kind: other, ca: true }));
    const list = new RevocationList(mintCrl(authority, ['05']));
    expect(list.isSignedBy(new X509Certificate(authority.cert))).toBe(true);
    for (const { cert } of others) expect(list.isSignedBy(new X509Certificate(cert))).toBe(false);
  },
);

test('a CRL that was changed is signed by nobody', () => {
  const authority = mint('CA', { kind: 'ec', ca: true });
  const der = Buffer.from(mintCrl(authority, ['05']).replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  der[der.indexOf('020105', 'hex') + 2] = 6;
  const list = new RevocationList(
    `-----BEGIN X509 CRL-----\n${der.toString('base64')}\n-----END X509 CRL-----`,
  );
  expect(list.isSignedBy(new X509Certificate(authority.cert))).toBe(false);
});

test.each(['01', '7f', '80', 'ff', '0080', '8000', 'a1b2c3d4e5f60718293a4b5c6d7e8f9001020304', '0'])(
  'a CRL lists the certificate with the serial number %s and none beside it',
  (serial) => {
    const authority = mint('CA', { kind: 'ec', ca: true });
    const list = new RevocationList(mintCrl(authority, ['0a', serial]));
    const issue = (serial: string): X509Certificate =>
      new X509Certificate(mint('db1', { kind: 'ec', issuer: authority, serial }).cert);
    expect(list.lists(issue(serial))).toBe(true);
    expect(list.lists(issue(`01${serial.padStart(6, '0')}`))).toBe(false);
  },
);

test('a CRL with nobody on it lists nobody', async () => {
  const { crlOf, client } = await testPki();
  expect(new RevocationList(crlOf([])).lists(new X509Certificate(client.cert))).toBe(false);
});

test('a CRL that is signed with SHA-1 is refused with what to do', () => {
  const pem = mintCrl(mint('CA', { kind: 'rsa', ca: true }), []);
  const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  der[der.lastIndexOf('2a864886f70d01010b', undefined, 'hex') + 8] = 5; // sha1WithRSAEncryption
  expect(
    () => new RevocationList(`-----BEGIN X509 CRL-----\n${der.toString('base64')}\n-----END X509 CRL-----`),
  ).toThrow('SHA-256 or better');
});

test.each([
  [1, 1n],
  [255, 255n],
  [2 ** 40, 2n ** 40n],
])('a CRL tells its number, %i', async (number, told) => {
  const { authority } = await testPki();
  expect(new RevocationList(createCrl({ authority, revoked: [], number, nextUpdateDays: 1 })).number).toBe(
    told,
  );
});

test('a CRL tells how many are on it, and how many of another list are not', async () => {
  const { client, gateway, revoked, crlOf } = await testPki();
  const list = new RevocationList(crlOf([client.cert, gateway.cert]));
  expect(list.size).toBe(2);
  expect(list.lacks(new RevocationList(crlOf([client.cert, revoked.cert])))).toBe(1);
});
