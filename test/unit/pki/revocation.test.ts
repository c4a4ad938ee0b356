import { X509Certificate } from 'node:crypto';
import { chmod, copyFile, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCrl } from '../../../src/pki/readCrl.ts';
import { renewCrl, revoke } from '../../../src/pki/revocation.ts';
import { initStore, issueInto } from '../../../src/pki/store.ts';
import { temporaryDirectory } from '../../support/temporaryDirectory.ts';

// That a gateway obeys the list is shown by handshakes in test/integration/cliPki.test.ts.

const FAST = { modulusLength: 2048 };
const CLIENT = { usage: 'client', days: 10, ...FAST } as const;
const DAY = 86_400_000;

/** A directory with an authority whose list is for 30 days, and certificates of these names. */
async function store(...names: string[]) {
  const directory = await temporaryDirectory();
  const { caFile, crlFile } = await initStore(directory, {
    commonName: 'CA',
    days: 90,
    crlDays: 30,
    ...FAST,
  });
  for (const name of names) await issueInto(directory, name, CLIENT);
  const file = (name: string): string => join(directory, `${name}.crt`);
  return {
    directory,
    crlFile,
    file,
    serialOf: async (name: string) => new X509Certificate(await readFile(file(name))).serialNumber,
    crl: async () => readCrl(await readFile(crlFile, 'utf8'), await readFile(caFile, 'utf8')),
  };
}

test('a certificate of a name gets onto the list, whose number grows', async () => {
  const { directory, crl, serialOf } = await store('db1');
  const now = new Date('2030-01-01T00:00:00Z');
  expect(await revoke(directory, 'db1', { now })).toMatchObject({
    certificate: expect.any(X509Certificate),
    renewal: { number: 2 },
  });
  expect(await crl()).toMatchObject({
    number: 2,
    revoked: [{ serial: await serialOf('db1'), revokedAt: now }],
  });
});

test('a file and a serial number name a certificate as well, and nobody falls off the list', async () => {
  const { directory, crl, file, serialOf } = await store('db1', 'db2');
  const serials = [await serialOf('db1'), await serialOf('db2')];
  await revoke(directory, file('db1'));
  await rm(file('db2'));
  const { certificate } = await revoke(directory, serials[1]!.toLowerCase());
  expect(certificate).toBeUndefined();
  expect((await crl()).revoked.map(({ serial }) => serial)).toEqual(serials);
});

test('who is revoked already stays so, since then, and the list is left alone', async () => {
  const { directory, crlFile, serialOf } = await store('db1');
  const now = new Date('2030-01-01T00:00:00Z');
  await revoke(directory, 'db1', { now });
  const before = await readFile(crlFile, 'utf8');
  for (const which of ['db1', `0x000${await serialOf('db1')}`]) {
    const again = await revoke(directory, which);
    expect(again.revokedAt).toEqual(now);
    expect(again.renewal).toBeUndefined();
  }
  expect(await readFile(crlFile, 'utf8')).toBe(before);
});

test('the new list is valid as long as the old one, unless told', async () => {
  const { directory, crl } = await store('db1', 'db2');
  const now = new Date('2030-01-01T00:00:00Z');
  await revoke(directory, 'db1', { now });
  expect((await crl()).nextUpdate).toEqual(new Date(now.getTime() + 30 * DAY));
  await revoke(directory, 'db2', { now, crlDays: 7 });
  expect((await crl()).nextUpdate).toEqual(new Date(now.getTime() + 7 * DAY));
});

test('a renewed list has the same entries, a greater number and later dates', async () => {
  const { directory, crl } = await store('db1');
  await revoke(directory, 'db1');
  const { revoked } = await crl();
  const now = new Date('2031-01-01T00:00:00Z');
  await renewCrl(directory, { now });
  expect(await crl()).toMatchObject({ number: 3, revoked, nextUpdate: new Date(now.getTime() + 30 * DAY) });
});

test('of many who revoke at once, nobody is lost', async () => {
  const { directory, crl } = await store();
  const serials = Array.from({ length: 8 }, (_, index) => `A${index}`);
  await Promise.all(serials.map((serial) => revoke(directory, `0x${serial}`)));
  const { number, revoked } = await crl();
  expect(revoked.map(({ serial }) => serial).sort()).toEqual(serials);
  expect(number).toBe(9);
  expect((await readdir(directory)).sort()).toEqual(['ca.crl', 'ca.crt', 'ca.key']);
});

test.skipIf(process.platform === 'win32')('the list keeps its mode', async () => {
  const { directory, crlFile } = await store('db1');
  await chmod(crlFile, 0o646);
  await revoke(directory, 'db1');
  expect((await stat(crlFile)).mode & 0o777).toBe(0o646);
});

test('a certificate of another authority is refused, though its name is the same', async () => {
  const ours = await store();
  const theirs = await store('db1');
  await expect(revoke(ours.directory, theirs.file('db1'))).rejects.toThrow(
    'not signed by the authority here',
  );
  expect((await ours.crl()).number).toBe(1);
});

test('a certificate that was changed after it was signed is refused', async () => {
  const { directory, file, crl } = await store('db1');
  const der = Buffer.from(new X509Certificate(await readFile(file('db1'))).raw);
  der[der.length - 1]! ^= 1; // in the signature
  await writeFile(file('db1'), der);
  await expect(revoke(directory, 'db1')).rejects.toThrow('not signed by the authority here');
  expect((await crl()).number).toBe(1);
});

test('the authority does not revoke itself, however it is named', async () => {
  const { directory, file, serialOf, crl } = await store();
  for (const which of ['ca', file('ca'), await serialOf('ca')]) {
    await expect(revoke(directory, which)).rejects.toThrow('is the authority itself');
  }
  expect((await crl()).number).toBe(1);
});

test('a name that is not there is no serial number, though it is hex', async () => {
  const { directory } = await store();
  await expect(revoke(directory, 'db1')).rejects.toThrow('if it is a serial number, write 0xdb1');
});

test('a key is no certificate', async () => {
  const { directory } = await store('db1');
  await expect(revoke(directory, join(directory, 'db1.key'))).rejects.toThrow('holds no certificate');
});

test('a list that another authority signed is not signed anew', async () => {
  const ours = await store('db1');
  const theirs = await store();
  await copyFile(theirs.crlFile, ours.crlFile);
  const before = await readFile(ours.crlFile, 'utf8');
  await expect(revoke(ours.directory, 'db1')).rejects.toThrow(
    `${ours.crlFile} is not signed by this authority`,
  );
  await expect(renewCrl(ours.directory)).rejects.toThrow('bring back the list that the gateway has');
  expect(await readFile(ours.crlFile, 'utf8')).toBe(before);
});

test('in place of a list that is gone, no empty one is made', async () => {
  const { directory, crlFile } = await store('db1');
  await rm(crlFile);
  await expect(revoke(directory, 'db1')).rejects.toThrow('would let in everybody who was revoked');
  expect(await readdir(directory)).not.toContain('ca.crl');
});

test('without the key of the authority, nothing is revoked', async () => {
  const { directory } = await store('db1');
  await writeFile(join(directory, 'ca.key'), await readFile(join(directory, 'db1.key')));
  await expect(revoke(directory, 'db1')).rejects.toThrow('key does not belong to its certificate');
  expect(await readdir(directory)).not.toContain('ca.crl.lock');
});
