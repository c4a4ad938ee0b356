import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { History } from '../../src/status/history.ts';
import type { Status } from '../../src/status/status.ts';
import { AdminListener } from '../support/adminListener.ts';
import { gatewayStatus } from '../support/gatewayStatus.ts';
import { DISK1, identity, loginRequest } from '../support/loginPdus.ts';
import { startSite, startTarget, type Site } from '../support/site.ts';
import { temporaryDirectory } from '../support/temporaryDirectory.ts';

const PATHS = ['/', '/status.json'];

/** An admin listener with the status of some gateway. */
function start(options: Parameters<typeof AdminListener.start>[0] = {}): Promise<AdminListener> {
  const history = new History(() => gatewayStatus(performance.now() / 1000));
  onTestFinished(() => history.stop());
  return AdminListener.start({ status: history, ...options });
}

async function startGateway(): Promise<Site> {
  const array = await startTarget();
  return startSite({ admin: true, backends: { array1: { portals: [array.portal] } } });
}

const get = (site: Site, path: string): Promise<Response> =>
  fetch(`http://127.0.0.1:${site.gateway.admin!.port}${path}`);
const readStatus = async (site: Site): Promise<Status> =>
  (await (await get(site, '/status.json')).json()) as Status;

test('status.json has who is on what, the arrays, the certificates and the state of the gateway', async () => {
  const site = await startGateway();
  const initiator = await site.connect();
  await initiator.logIn();
  await initiator.ping();
  const status = await readStatus(site);
  expect(status).toMatchObject({
    schema: 1,
    gateway: { isReady: true, unauthenticated: 0, reload: {} },
    backends: [{ name: 'array1', isUp: true, sessions: 1 }],
    sessions: [{ target: DISK1, backend: 'array1' }],
    nexuses: [{ initiator: 'db1', target: DISK1, sessions: 1 }],
    refusals: [],
  });
  const [listener] = status.listeners;
  expect(listener!.listener).toBe('127.0.0.1:0');
  for (const until of [listener!.certificateNotAfter, listener!.crlNextUpdate!]) {
    expect(Date.parse(until)).toBeGreaterThan(Date.now());
  }
  expect((await readStatus(site)).at).toBeGreaterThan(status.at);
});

test('who was denied is in the next reading, with the rule, and on the page, with the name escaped', async () => {
  const site = await startGateway();
  const initiator = await site.connect();
  await initiator.exchange(loginRequest(identity({ TargetName: 'iqn.2026-01.org.example:hidden' })));
  const { refusals } = await readStatus(site);
  expect(refusals).toEqual([
    expect.objectContaining({
      stage: 'login',
      reason: 'acl_denied',
      target: 'iqn.2026-01.org.example:hidden',
      certificate: 'spiffe://sangate/db1',
      count: 1,
    }),
  ]);
  const page = await (await get(site, '/')).text();
  expect(page).toContain('iqn.2026-01.org.example:hidden');
  expect(page).toContain('acl_denied');
});

test('a reload that failed is told, and one that succeeds ends that', async () => {
  const site = await startGateway();
  await site.reload((settings) => (settings['nonsense'] = true));
  expect((await readStatus(site)).gateway.reload.problem).toContain('nonsense');
  await site.reload(() => {});
  expect((await readStatus(site)).gateway.reload).not.toHaveProperty('problem');
});

test('the page is HTML that nobody may frame, keep or read elsewhere', async () => {
  const { status, headers, body } = await (await start()).ask('GET /');
  expect(status).toBe(200);
  expect(body).toMatch(/^<!doctype html>/);
  expect(headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'content-security-policy': expect.stringMatching(/^default-src 'none'.*frame-ancestors 'none'$/),
  });
});

test.each(PATHS)('a person who types the address gets %s, and so does the page itself', async (path) => {
  const listener = await start();
  for (const site of ['none', 'same-origin']) {
    expect({ site, status: (await listener.ask(`GET ${path}`, { 'Sec-Fetch-Site': site })).status }).toEqual({
      site,
      status: 200,
    });
  }
  expect((await listener.ask(`HEAD ${path}`)).status).toBe(200);
});

test.each(PATHS)('another page gets nothing of %s', async (path) => {
  const listener = await start();
  for (const headers of [
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site' },
    { Origin: 'https://evil.example' },
    { Origin: 'null' },
    { 'Sec-Fetch-Site': 'same-origin', Origin: 'https://evil.example' },
    { Host: 'evil.example' },
  ]) {
    const { status, body } = await listener.ask(`GET ${path}`, headers);
    expect({ headers, status }).toEqual({ headers, status: 403 });
    expect(body).not.toContain('db1');
  }
});

test('behind a unix socket it is under names of loopback alone, for a port may be forwarded to it', async () => {
  const socket = join(await temporaryDirectory(), 'admin.sock');
  const listener = await start({ address: { socket } });
  const statusUnder = async (Host: string) =>
    (await listener.ask('GET /status.json', { Host, 'Sec-Fetch-Site': 'same-origin' })).status;
  expect(await statusUnder('localhost:9260')).toBe(200);
  expect(await statusUnder('evil.example:9260')).toBe(403);
});

test('the page may look and not touch: it sees no other path, and ends no session', async () => {
  const listener = await start();
  const own = { 'Sec-Fetch-Site': 'same-origin' };
  expect((await listener.ask('DELETE /sessions/7', own)).status).toBe(403);
  expect((await listener.ask('GET /sessions', own)).status).toBe(403);
  expect((await listener.ask('POST /', own)).status).toBe(405);
  expect(listener.killed).toEqual([]);
});

test.each(PATHS)(
  'plain HTTP beyond this machine does not show %s, and says what to configure',
  async (path) => {
    const listener = await start({ address: { host: '0.0.0.0', port: 0 } });
    const { status, body } = await listener.ask(`GET ${path}`, { 'Sec-Fetch-Site': 'same-origin' });
    expect(status).toBe(403);
    expect(body).toMatch(/admin\.tls.*127\.0\.0\.1:9260.*unix:/);
  },
);

test.each(PATHS)('a stub has no %s, and says so', async (path) => {
  const { status, body } = await (await AdminListener.start()).ask(`GET ${path}`);
  expect([status, body]).toEqual([404, 'a stub has no status page: ask the gateway\n']);
});
