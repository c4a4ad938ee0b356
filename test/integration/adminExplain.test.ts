import { expect, test } from 'vitest';
import type { Explanation } from '../../src/explain/explanation.ts';
import { AdminListener } from '../support/adminListener.ts';
import { DB1, DISK } from '../support/initiatorRule.ts';
import { DISK1 } from '../support/loginPdus.ts';
import { startSite, startTarget, type Site } from '../support/site.ts';

const OTHER = [{ target: 'iqn.2026-01.org.example:other' }];

async function start(): Promise<Site> {
  const array = await startTarget();
  return startSite({ admin: true, backends: { array1: { portals: [array.portal] } } });
}

async function verdictOnDisk(site: Site): Promise<string> {
  const { port } = site.gateway.admin!;
  const response = await fetch(`http://127.0.0.1:${port}/explain?initiator=db1&target=${DISK1}`);
  expect(response.status).toBe(200);
  return ((await response.json()) as Explanation).verdict;
}

test('GET /explain tells what the rules say', async () => {
  const listener = await AdminListener.start();
  const query = `initiator=db1&from=203.0.113.7&target=${DISK}&lun=0&command=WRITE(10)`;
  const { status, headers, body } = await listener.ask(`GET /explain?${query}`);
  expect([status, headers['content-type']]).toEqual([200, 'application/json; charset=utf-8']);
  expect(JSON.parse(body)).toMatchObject({
    verdict: 'allowed',
    initiator: DB1,
    target: DISK,
    lun: 0,
    request: 'WRITE (10) 2Ah',
    rule: { id: 'db1', location: 'gateway.yaml:12:3' },
  });
});

test('the rules in force answer: a reload changes them, and one that failed does not', async () => {
  const site = await start();
  expect(await verdictOnDisk(site)).toBe('allowed');
  await site.reload((settings) => {
    settings.initiators['db1']!['access'] = OTHER;
    settings['initators'] = {};
  });
  expect(await site.log.line({ msg: 'reload failed: everything is as it was' })).toBeDefined();
  expect(await verdictOnDisk(site)).toBe('allowed');
  await site.reload(({ initiators }) => void (initiators['db1']!['access'] = OTHER));
  expect(await verdictOnDisk(site)).toBe('denied');
});

test.each([
  ['', 'no initiator is asked about'],
  ['?', 'no initiator is asked about'],
  ['?initiator=db2', 'there is no entry "db2" under initiators'],
  ['?initiator=db1&lun=0', 'a logical unit is one of a target'],
  ['?initiator=db1&target=%00', '"\\u0000" is not an iSCSI name'],
  ['?initiator=db1&target=..%2F..%2Fetc%2Fpasswd', '"../../etc/passwd" is not an iSCSI name'],
  ['?initiator=db1&initiator=db1', 'initiator is said twice'],
  ['?initiator=db1&config=/etc/passwd', '"config" cannot be asked about'],
  ['?initiator=db1&certificate=AAAA', 'this certificate cannot be read'],
  ['?initiator=%FF%C0%80', 'there is no entry'],
])('/explain%s is a mistake that is told', async (query, message) => {
  const listener = await AdminListener.start();
  const { status, body } = await listener.ask(`GET /explain${query}`);
  expect(status).toBe(400);
  const { error, hint } = JSON.parse(body) as { error: string; hint: string };
  expect(error).toContain(message);
  expect(hint).not.toBe('');
});

test.each([
  ['GET /explain/?initiator=db1', 404],
  ['GET /explain/db1', 404],
  ['GET //explain?initiator=db1', 404],
  ['GET /Explain?initiator=db1', 404],
  ['GET /explain#?initiator=db1', 404],
  ['POST /explain?initiator=db1', 405],
  ['DELETE /explain?initiator=db1', 405],
])('%s is %i', async (request, status) => {
  expect((await (await AdminListener.start()).ask(request)).status).toBe(status);
});

test.each([
  ['initiator', 7_000, 400],
  ['initiator', 9_000, 431],
  ['initiator=db1&target', 7_000, 400],
  ['initiator=db1&certificate', 7_000, 400],
])('%s with %i letters is %i, in few words', async (name, letters, expected) => {
  const listener = await AdminListener.start();
  const { status, body } = await listener.ask(`GET /explain?${name}=${'x'.repeat(letters)}`);
  expect(status).toBe(expected);
  expect(body.length).toBeLessThan(300);
});
