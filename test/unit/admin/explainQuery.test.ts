import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { formatExplainQuery, parseExplainQuery } from '../../../src/admin/explainQuery.ts';
import { testPki } from '../../support/certificates.ts';
import { mint } from '../../support/minting.ts';

const clientCertificate = async (): Promise<X509Certificate> =>
  new X509Certificate((await testPki()).client.cert);

const valueError = (message: string): unknown => expect.objectContaining({ name: 'ValueError', message });

test('what is asked comes out as it went in, certificate and all', async () => {
  const certificate = await clientCertificate();
  const texts = {
    initiator: 'db1&target=x\u0000%41+ü',
    from: '2001:db8::7',
    target: 'iqn.2001-05.com.equallogic:disk',
    lun: '0',
    command: 'WRITE(10)',
  };
  const query = formatExplainQuery({ ...texts, certificate });
  expect(query).toMatch(/^[!-~]*$/);
  const { certificate: read, ...others } = parseExplainQuery(query);
  expect(others).toEqual(texts);
  expect(read!.raw.equals(certificate.raw)).toBe(true);
});

test('what is not asked is not there', () => {
  expect(formatExplainQuery({ initiator: 'db1', from: undefined })).toBe('initiator=db1');
  expect(parseExplainQuery('initiator=db1')).toEqual({ initiator: 'db1' });
});

test.each([
  ['', 'no initiator is asked about'],
  ['target=iqn.2001-05.com.equallogic:disk', 'no initiator is asked about'],
  ['initiator=db1&initiator=db2', 'initiator is said twice'],
  ['initiator=db1&lun=0&lun=0', 'lun is said twice'],
  ['initiator=db1&targte=x', '"targte" cannot be asked about'],
  ['initiator=db1&__proto__=x', '"__proto__" cannot be asked about'],
  ['initiator=db1&Target=x', '"Target" cannot be asked about'],
  ['initiator=db1&', undefined],
])('%s: %s', (query, message) => {
  if (message === undefined) expect(parseExplainQuery(query)).toEqual({ initiator: 'db1' });
  else expect(() => parseExplainQuery(query)).toThrow(valueError(message));
});

test.each<[what: string, certificate: (der: Buffer, pem: string) => string]>([
  ['is empty', () => ''],
  ['is cut off', (der) => der.subarray(0, -1).toString('base64url')],
  ['has something behind it', (der) => Buffer.concat([der, Buffer.of(0)]).toString('base64url')],
  ['is PEM', (_, pem) => encodeURIComponent(pem)],
  ['is PEM in base64url', (_, pem) => Buffer.from(pem).toString('base64url')],
  ['has other characters in between', (der) => `!${der.toString('base64url')}`],
  ['is no certificate', () => Buffer.from('30030201ff', 'hex').toString('base64url')],
])('a certificate that %s cannot be read', async (_, spoil) => {
  const certificate = await clientCertificate();
  const text = spoil(certificate.raw, certificate.toString());
  expect(() => parseExplainQuery(`initiator=db1&certificate=${text}`)).toThrow(
    valueError('this certificate cannot be read'),
  );
});

test('a certificate above 4096 bytes is neither sent nor read', () => {
  const certificate = new X509Certificate(mint('x'.repeat(4096), { kind: 'ed25519' }).cert);
  expect(() => formatExplainQuery({ initiator: 'db1', certificate })).toThrow('more than 4096 bytes');
  const text = Buffer.alloc(4097, 0x30).toString('base64url');
  expect(() => parseExplainQuery(`initiator=db1&certificate=${text}`)).toThrow('more than 4096 bytes');
});
