import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { createCrl } from '../../../src/pki/createCrl.ts';
import { loadGatewayCredentials, type GatewayCredentials } from '../../../src/tls/credentials.ts';
import { checkSuccession } from '../../../src/tls/succession.ts';
import { saveTestPki, testPki } from '../../support/certificates.ts';
import { temporaryDirectory } from '../../support/temporaryDirectory.ts';

const DAY = 86_400_000;
const now = Date.now();

async function withList(
  number: number,
  serials: readonly string[] = [],
  made = now,
): Promise<GatewayCredentials> {
  const path = await saveTestPki(await temporaryDirectory());
  const { authority } = await testPki();
  const revoked = serials.map((serial) => ({ serial, revokedAt: new Date(made) }));
  await writeFile(
    path('ca.crl'),
    createCrl({ authority, revoked, number, nextUpdateDays: 10, now: new Date(made) }),
  );
  const files = {
    cert: path('gateway.crt'),
    key: path('gateway.key'),
    clientCa: path('ca.crt'),
    crl: path('ca.crl'),
  };
  return loadGatewayCredentials(files);
}

test('a newer list takes the place of an older one, and tells its number and how many are on it', async () => {
  const next = await withList(256, ['05', '06']);
  expect(checkSuccession(await withList(255, ['05']), next, now)).toEqual([{ number: '256', entries: 2 }]);
});

test('the same list takes its own place', async () => {
  const credentials = await withList(7, ['05']);
  expect(checkSuccession(credentials, credentials, now)).toEqual([{ number: '7', entries: 1 }]);
});

test('an older list is refused, also where the one in force has ended', async () => {
  const [before, next] = [await withList(17), await withList(3)];
  expect(() => checkSuccession(before, next, now)).toThrow(/list 3 of .* is older than revocation list 17/);
  expect(() => checkSuccession(before, next, now + 11 * DAY)).toThrow(/is older/);
});

test('a list that has ended stays, where nothing better is in force', async () => {
  const credentials = await withList(7);
  expect(checkSuccession(credentials, credentials, now + 11 * DAY)).toHaveLength(1);
});

test('a list that has ended takes no place of one that holds, though its number is higher', async () => {
  const [before, next] = [await withList(7), await withList(8, [], now - 20 * DAY)];
  expect(() => checkSuccession(before, next, now)).toThrow(/has ended/);
});

test('where nothing was in force before, every list is taken', async () => {
  expect(checkSuccession(undefined, await withList(3, [], now - 20 * DAY), now)).toHaveLength(1);
});

test('entries that have gone are counted', async () => {
  const lists = checkSuccession(await withList(7, ['05', '06']), await withList(8, ['06']), now);
  expect(lists).toEqual([{ number: '8', entries: 1, fewer: 1 }]);
});
