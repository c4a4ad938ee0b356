import forge from 'node-forge';
import { expect, test } from 'vitest';
import { encode, octetString, oid, sequence, type Asn1 } from '../../../src/pki/asn1.ts';
import { createCrl, type CrlOptions } from '../../../src/pki/createCrl.ts';
import { readCrl } from '../../../src/pki/readCrl.ts';
import { testPki } from '../../support/certificates.ts';

// That lists of the openssl command are read is shown in test/interop/revocation.test.ts.

const revokedAt = new Date('2026-03-01T10:20:30Z');

async function listOf(differing: Partial<CrlOptions>): Promise<{ pem: string; ca: string }> {
  const { authority, ca } = await testPki();
  return { pem: createCrl({ authority, revoked: [], number: 1, nextUpdateDays: 30, ...differing }), ca };
}

const { create, Class, Type } = forge.asn1;

/** Entry extensions with one of this name: a reason (RFC 5280 §5.3.1), or what is said to be critical. */
function entryExtensions(dotted: string, critical: boolean): Asn1 {
  const reason = create(Class.UNIVERSAL, Type.ENUMERATED, false, '\u0001');
  const truth = create(Class.UNIVERSAL, Type.BOOLEAN, false, '\u00ff');
  return sequence([sequence([oid(dotted), ...(critical ? [truth] : []), octetString(reason)])]);
}

test('what was written is read: number, dates and entries', async () => {
  const now = new Date('2049-12-20T00:00:00Z'); // the end has the other form of a time
  const revoked = [
    { serial: '01ABCDEF', revokedAt },
    { serial: 'FF00', revokedAt: new Date('2051-01-01T00:00:00Z') },
  ];
  const { pem, ca } = await listOf({ revoked, number: 255, now });
  expect(readCrl(pem, ca)).toEqual({
    number: 255,
    thisUpdate: new Date('2049-12-19T23:55:00Z'),
    nextUpdate: new Date('2050-01-19T00:00:00Z'),
    revoked,
  });
});

test('an empty list is read', async () => {
  const { pem, ca } = await listOf({});
  expect(readCrl(pem, ca)).toMatchObject({ number: 1, revoked: [] });
});

test('the reason of an entry survives reading and writing', async () => {
  const extensions = entryExtensions('2.5.29.21', false);
  const { pem, ca } = await listOf({ revoked: [{ serial: '01', revokedAt, extensions }] });
  const { revoked } = readCrl(pem, ca);
  const again = readCrl((await listOf({ revoked })).pem, ca).revoked[0]!;
  expect(encode(again.extensions!)).toEqual(encode(extensions));
});

test('an entry with a critical extension is refused, for it may be of another authority', async () => {
  const extensions = entryExtensions('2.5.29.29', true);
  const { pem, ca } = await listOf({ revoked: [{ serial: '01', revokedAt, extensions }] });
  expect(() => readCrl(pem, ca)).toThrow('critical extension 2.5.29.29');
});

test('a list of another authority with the same name is not believed', async () => {
  const { strangerCa } = await testPki();
  const { pem } = await listOf({});
  expect(() => readCrl(pem, strangerCa)).toThrow('is not signed by this authority');
});

test('a list that was changed is not believed, wherever it was changed', async () => {
  const { pem, ca } = await listOf({ revoked: [{ serial: '01ABCDEF', revokedAt }] });
  const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  for (let at = 0; at < der.length; at++) {
    const changed = Buffer.from(der);
    changed[at]! ^= 1;
    const block = `-----BEGIN X509 CRL-----\n${changed.toString('base64')}\n-----END X509 CRL-----\n`;
    expect(() => readCrl(block, ca), `byte ${at}`).toThrow(/^is no|^is not|^is signed/);
  }
});

test.each([
  ['', 'holds 0 revocation lists'],
  ['-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n', 'is no revocation list'],
  ['-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n', 'is no revocation list'],
  ['-----BEGIN X509 CRL-----\n-----END X509 CRL-----\n', 'is no revocation list'],
])('%j is refused', async (pem, message) => {
  expect(() => readCrl(pem, 'not reached')).toThrow(message);
});

test('two lists in one file are refused: one of them would be lost', async () => {
  const { pem, ca } = await listOf({});
  expect(() => readCrl(pem + pem, ca)).toThrow('holds 2 revocation lists');
});

test('a certificate where the list should be is refused', async () => {
  const { ca } = await testPki();
  expect(() => readCrl(ca.replaceAll('CERTIFICATE', 'X509 CRL'), ca)).toThrow(/is no revocation list/);
});
