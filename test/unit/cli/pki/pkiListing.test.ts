import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pkiListing, pkiTable } from '../../../../src/cli/pki/pkiListing.ts';
import { inventory } from '../../../../src/pki/inventory.ts';
import { initStore, issueInto } from '../../../../src/pki/store.ts';
import { temporaryDirectory } from '../../../support/temporaryDirectory.ts';

const FAST = { modulusLength: 2048 };
const CLIENT = { usage: 'client', days: 10, ...FAST } as const;
const DAY = 86_400_000;

async function store(): Promise<string> {
  const directory = await temporaryDirectory();
  await initStore(directory, { commonName: 'CA', days: 90, crlDays: 30, ...FAST });
  await issueInto(directory, 'db1', CLIENT);
  return directory;
}

const later = (days: number): Date => new Date(Date.now() + days * DAY);

test.each([
  [-1, 'not yet', 10],
  [9, 'valid', 0],
  [12, 'expired', -3],
])('%d days after it was issued for 10, a certificate is %s, with %d days left', async (age, state, left) => {
  const { certificates } = pkiListing(await inventory(await store()), later(age));
  expect(certificates).toMatchObject([{ name: 'db1', state, daysLeft: left }]);
});

test('a list that has ended says what that does', async () => {
  const listing = pkiListing(await inventory(await store()), later(31));
  expect(listing.crl.daysLeft).toBe(-2);
  expect(pkiTable(listing)).toMatch(/0 revoked, ended [0-9-]+: everybody is refused\n/);
});

test('a certificate from elsewhere is told as such, and so is a file that holds none', async () => {
  const [directory, elsewhere] = [await store(), await store()];
  await copyFile(join(elsewhere, 'db1.crt'), join(directory, 'db2.crt'));
  await writeFile(join(directory, 'db3.crt'), 'nothing');
  const listing = pkiListing(await inventory(directory), new Date());
  expect(listing.certificates.map(({ name, state }) => [name, state])).toEqual([
    ['db1', 'valid'],
    ['db2', 'foreign'],
  ]);
  expect(listing.unreadable).toEqual([join(directory, 'db3.crt')]);
  const table = pkiTable(listing);
  expect(table).toContain('of another authority');
  expect(table).toContain('db3.crt holds no certificate');
});

test("a file's name cannot draw in the terminal", async () => {
  const directory = await store();
  await copyFile(join(directory, 'db1.crt'), join(directory, '\u001b[2Jx\n.crt'));
  const table = pkiTable(pkiListing(await inventory(directory), new Date()));
  expect(table).not.toContain('\u001b');
  expect(table).toContain('\u{fffd}[2Jx\u{fffd}');
});
