import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { KnownCertificates } from '../../../src/tls/knownCertificates.ts';
import { mint } from '../../support/minting.ts';

const derOf = (name: string): Buffer => new X509Certificate(mint(name, { kind: 'ec' }).cert).raw;

test('a certificate is read once, whichever buffer it comes in', () => {
  const known = new KnownCertificates();
  const der = derOf('db1');
  expect(known.get(Buffer.from(der))).toBe(known.get(der));
});

test('another certificate of the same holder is another one', () => {
  const known = new KnownCertificates();
  const [before, renewed] = [derOf('db1'), derOf('db1')];
  expect(known.get(renewed)).not.toBe(known.get(before));
  expect(known.get(renewed).x509.raw).toEqual(renewed);
});

test('no more than 256 are remembered, and whoever was not asked for longest goes first', () => {
  const known = new KnownCertificates();
  const key = mint('any', { kind: 'ec' }).key;
  const ders = Array.from({ length: 257 }, (_, n) => {
    const { cert } = mint(`db${n}`, { kind: 'ec', key });
    return new X509Certificate(cert).raw;
  });
  const [first, second] = ders.slice(0, 256).map((der) => known.get(der));
  expect(known.get(ders[0]!)).toBe(first); // asked for anew
  known.get(ders[256]!);
  expect(known.size).toBe(256);
  expect(known.get(ders[0]!)).toBe(first);
  expect(known.get(ders[1]!)).not.toBe(second);
});

test('one of more than 8 KiB takes no memory', () => {
  const known = new KnownCertificates();
  known.get(derOf('x'.repeat(8192)));
  expect(known.size).toBe(0);
});

test('an authority that has the name of the issuer and another key has not signed it, asked twice', () => {
  const issuer = mint('root', { kind: 'ec', ca: true });
  const other = mint('root', { kind: 'ec', ca: true });
  const certificate = new KnownCertificates().get(
    new X509Certificate(mint('db1', { kind: 'ec', issuer }).cert).raw,
  );
  const [true_, false_] = [issuer, other].map(({ cert }) => new X509Certificate(cert));
  for (let time = 1; time <= 2; time++) {
    expect(certificate.isIssuedBy(true_!)).toBe(true);
    expect(certificate.isIssuedBy(false_!)).toBe(false);
  }
});
