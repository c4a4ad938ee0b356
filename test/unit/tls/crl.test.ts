import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { createCrl } from '../../../src/pki/crl.ts';
import { summarizeCrl } from '../../../src/tls/crl.ts';
import { testPki } from '../../support/certificates.ts';

test.each(['2026-02-03T04:05:06Z', '2049-12-01T00:00:00Z'])(
  'a CRL of %s tells when the next one is due',
  async (now) => {
    const { authority } = await testPki();
    const issued = new Date(now);
    const pem = createCrl({ authority, revoked: [], number: 1, nextUpdateDays: 60, now: issued });
    expect(summarizeCrl(pem).nextUpdate).toBe(issued.getTime() + 60 * 86_400_000);
  },
);

test('a CRL knows the authority that signed it from one that did not', async () => {
  const { crl, ca, client } = await testPki();
  const summary = summarizeCrl(crl);
  expect(summary.mayBeSignedBy(new X509Certificate(ca))).toBe(true);
  expect(summary.mayBeSignedBy(new X509Certificate(client.cert))).toBe(false);
});

test('a certificate is no CRL', async () => {
  const { ca } = await testPki();
  expect(() => summarizeCrl(ca)).toThrow('not a CRL');
});

test('a CRL that is cut anywhere is refused', async () => {
  const { crl } = await testPki();
  const der = Buffer.from(crl.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  for (let length = 0; length < der.length; length++) {
    const cut = der.subarray(0, length).toString('base64');
    expect(() => summarizeCrl(`-----BEGIN X509 CRL-----\n${cut}\n-----END X509 CRL-----\n`)).toThrow(
      RangeError,
    );
  }
});
