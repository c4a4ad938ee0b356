import { X509Certificate } from 'node:crypto';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { initStore, issueInto } from '../../../src/pki/store.ts';
import { temporaryDirectory } from '../../support/temporaryDirectory.ts';

const FAST = { modulusLength: 2048 };
const CA = { commonName: 'test CA', days: 30, crlDays: 30, ...FAST };
const CLIENT = { usage: 'client', days: 10, ...FAST } as const;

const modeOf = async (file: string): Promise<number> => (await stat(file)).mode & 0o777;

test('init makes an authority and its CRL, and only those', async () => {
  const directory = join(await temporaryDirectory(), 'certs');
  await initStore(directory, CA);
  expect((await readdir(directory)).sort()).toEqual(['ca.crl', 'ca.crt', 'ca.key']);
});

test.skipIf(process.platform === 'win32')('keys are for their owner alone', async () => {
  const directory = await temporaryDirectory();
  const { caKeyFile } = await initStore(directory, CA);
  const { keyFile } = await issueInto(directory, 'db1', CLIENT);
  expect(await modeOf(caKeyFile)).toBe(0o600);
  expect(await modeOf(keyFile)).toBe(0o600);
});

test('init leaves an authority as it is', async () => {
  const directory = await temporaryDirectory();
  const { caFile } = await initStore(directory, CA);
  const before = await readFile(caFile, 'utf8');
  await expect(initStore(directory, CA)).rejects.toThrow(`${caFile} exists`);
  expect(await readFile(caFile, 'utf8')).toBe(before);
});

test('init does not touch a key whose certificate is gone', async () => {
  const directory = await temporaryDirectory();
  await writeFile(join(directory, 'ca.key'), 'precious');
  await expect(initStore(directory, CA)).rejects.toThrow('ca.key exists');
  expect(await readFile(join(directory, 'ca.key'), 'utf8')).toBe('precious');
});

test('a certificate is named after its file unless told', async () => {
  const directory = await temporaryDirectory();
  const { caFile } = await initStore(directory, CA);
  const { certFile } = await issueInto(directory, 'db1', CLIENT);
  expect(certFile).toBe(join(directory, 'db1.crt'));
  const certificate = new X509Certificate(await readFile(certFile));
  expect(certificate.subject).toBe('CN=db1');
  expect(certificate.verify(new X509Certificate(await readFile(caFile)).publicKey)).toBe(true);
});

test('issue overwrites only when it is forced to, and then key and certificate together', async () => {
  const directory = await temporaryDirectory();
  await initStore(directory, CA);
  const { certFile, keyFile } = await issueInto(directory, 'db1', CLIENT);
  const before = [await readFile(certFile, 'utf8'), await readFile(keyFile, 'utf8')];
  await expect(issueInto(directory, 'db1', CLIENT)).rejects.toThrow('replace it with --force');
  expect(await readFile(certFile, 'utf8')).toBe(before[0]);
  await issueInto(directory, 'db1', { ...CLIENT, force: true });
  expect(await readFile(certFile, 'utf8')).not.toBe(before[0]);
  expect(await readFile(keyFile, 'utf8')).not.toBe(before[1]);
  expect((await readdir(directory)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});

test('of two that issue the same name at once, one is refused', async () => {
  const directory = await temporaryDirectory();
  await initStore(directory, CA);
  const results = await Promise.allSettled([
    issueInto(directory, 'db1', CLIENT),
    issueInto(directory, 'db1', CLIENT),
  ]);
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect((await readdir(directory)).sort()).toEqual(['ca.crl', 'ca.crt', 'ca.key', 'db1.crt', 'db1.key']);
});

test.each(['../db1', 'a/b', 'a\\b', '.hidden', '', 'DB1', 'db1\n', 'ca', 'x'.repeat(65)])(
  '%j is refused as a name',
  async (name) => {
    const directory = await temporaryDirectory();
    await expect(issueInto(directory, name, CLIENT)).rejects.toThrow(
      /cannot name a file here|choose another/,
    );
    expect(await readdir(directory)).toEqual([]);
  },
);

test('without an authority, issue says how to get one', async () => {
  const directory = await temporaryDirectory();
  await initStore(directory, CA);
  await rm(join(directory, 'ca.key'));
  await expect(issueInto(directory, 'db1', CLIENT)).rejects.toThrow('make one with `sangate pki init`');
});
