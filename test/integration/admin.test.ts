import { expect, test } from 'vitest';
import type { SessionSummary } from '../../src/telemetry/sessionSummary.ts';
import { testPki } from '../support/certificates.ts';
import { DB1, DISK1, IDENTITY, identity, loginRequest } from '../support/loginPdus.ts';
import { startSite, startTarget, type Site } from '../support/site.ts';

async function start(): Promise<Site> {
  const array = await startTarget();
  return startSite({ admin: true, backends: { array1: { portals: [array.portal] } } });
}

function get(site: Site, path: string, init?: RequestInit): Promise<Response> {
  return fetch(`http://127.0.0.1:${site.gateway.admin!.port}${path}`, init);
}

async function metrics(site: Site): Promise<string[]> {
  const response = await get(site, '/metrics');
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  return (await response.text()).split('\n');
}

/** Values at one moment, each of the one series with this name and labels. */
async function values(site: Site, ...series: string[]): Promise<(number | undefined)[]> {
  const lines = await metrics(site);
  return series.map((name) => {
    const line = lines.find((line) => line.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.slice(name.length));
  });
}

const value = async (site: Site, series: string): Promise<number | undefined> =>
  (await values(site, series))[0];

test('a gateway that runs is healthy and ready', async () => {
  const site = await start();
  for (const path of ['/healthz', '/readyz']) {
    const response = await get(site, path);
    expect({ path, status: response.status }).toEqual({ path, status: 200 });
  }
});

test('other paths are not found, and other methods are not allowed', async () => {
  const site = await start();
  expect((await get(site, '/nothing')).status).toBe(404);
  expect((await get(site, '/../etc/passwd')).status).toBe(404);
  expect((await get(site, '/metrics', { method: 'POST', body: 'x' })).status).toBe(405);
});

test('HEAD has the status and no body', async () => {
  const response = await get(await start(), '/healthz', { method: 'HEAD' });
  expect(response.status).toBe(200);
  expect(await response.text()).toBe('');
});

test.each([
  'sangate_build_info',
  'sangate_sessions',
  'sangate_connections_unauthenticated',
  'sangate_tunnels_turned_away_total',
  'sangate_tunnels_waiting',
  'sangate_pdus_total',
  'sangate_relayed_bytes_total',
  'sangate_not_after_timestamp_seconds',
  'sangate_tls_handshakes_total',
  'sangate_logins_total',
  'sangate_connections_refused_total',
  'process_cpu_seconds_total',
  'nodejs_eventloop_lag_seconds',
])('%s is there from the start', async (name) => {
  const lines = await metrics(await start());
  expect(lines.some((line) => line.startsWith(`# HELP ${name} `))).toBe(true);
  expect(lines.some((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))).toBe(true);
});

test('a login is counted, and its session as long as it lasts', async () => {
  const site = await start();
  const figures = (): Promise<(number | undefined)[]> =>
    values(
      site,
      'sangate_logins_total{result="allowed",reason="ok"}',
      'sangate_tls_handshakes_total{reason="ok"}',
      'sangate_sessions',
    );
  expect(await figures()).toEqual([0, 0, 0]);
  const initiator = await site.connect();
  await initiator.logIn();
  expect(await figures()).toEqual([1, 1, 1]);
  initiator.end();
  await site.log.line({ msg: 'session ended' });
  expect(await figures()).toEqual([1, 1, 0]);
});

test('PDUs and bytes are counted by direction, and what ended sessions carried stays counted', async () => {
  const site = await start();
  const initiator = await site.connect();
  await initiator.logIn();
  for (let i = 0; i < 3; i++) await initiator.ping();
  const figures = (): Promise<(number | undefined)[]> =>
    values(
      site,
      'sangate_pdus_total{direction="initiator_to_target"}',
      'sangate_pdus_total{direction="target_to_initiator"}',
      'sangate_relayed_bytes_total{direction="initiator_to_target"}',
      'sangate_relayed_bytes_total{direction="target_to_initiator"}',
    );
  expect(await figures()).toEqual([3, 3, 3 * 48, 3 * 48]);
  initiator.end();
  await site.log.line({ msg: 'session ended' });
  expect(await figures()).toEqual([3, 3, 3 * 48, 3 * 48]);
});

test('a login that is denied is counted under its reason', async () => {
  const site = await start();
  const initiator = await site.connect();
  await initiator.exchange(loginRequest(identity({ TargetName: 'iqn.2026-01.org.example:hidden' })));
  expect(await value(site, 'sangate_logins_total{result="denied",reason="acl_denied"}')).toBe(1);
  expect(await value(site, 'sangate_logins_total{result="allowed",reason="ok"}')).toBe(0);
});

test('a certificate that is refused is counted under its reason', async () => {
  const site = await start();
  const { cert, key } = (await testPki()).revoked;
  const initiator = await site.connect({ cert, key });
  await initiator.closed;
  expect(await value(site, 'sangate_tls_handshakes_total{reason="revoked_cert"}')).toBe(1);
});

test('connections before authentication are counted as long as they are', async () => {
  const site = await start();
  const initiator = await site.connect({ ALPNProtocols: [] });
  expect(await value(site, 'sangate_connections_unauthenticated')).toBe(1);
  await initiator.exchange(loginRequest(IDENTITY));
  expect(await value(site, 'sangate_connections_unauthenticated')).toBe(0);
});

test('the ends of certificate and CRL are told in seconds', async () => {
  const site = await start();
  for (const what of ['certificate', 'crl']) {
    const series = `sangate_not_after_timestamp_seconds{what="${what}",listener="127.0.0.1:0"}`;
    const days = ((await value(site, series))! - Date.now() / 1000) / 86_400;
    expect(days).toBeGreaterThan(29);
    expect(days).toBeLessThan(31);
  }
});

test('a session is told with who is on what, and ends when it is deleted', async () => {
  const site = await start();
  const initiator = await site.connect();
  await initiator.logIn();
  await initiator.ping();
  const { sessions } = (await (await get(site, '/sessions')).json()) as { sessions: SessionSummary[] };
  expect(sessions).toEqual([
    expect.objectContaining({
      initiator: DB1,
      certificate: 'spiffe://sangate/db1',
      address: '127.0.0.1',
      target: DISK1,
      backend: 'array1',
      commands: 0,
      denials: 0,
      fromInitiator: { pdus: 1, bytes: 48 },
      fromTarget: { pdus: 1, bytes: 48 },
    }),
  ]);
  expect(sessions[0]!.rule).toMatch(/^db1 at .*gateway\.yaml:\d+:\d+$/);
  expect(Date.parse(sessions[0]!.since)).toBeLessThanOrEqual(Date.now());
  const { id } = sessions[0]!;
  expect((await get(site, `/sessions/${id}`, { method: 'DELETE' })).status).toBe(202);
  const line = await site.log.line({ msg: 'session ended', session: id });
  expect(JSON.stringify(line)).toContain('127.0.0.1');
  expect(await (await get(site, '/sessions')).json()).toEqual({ sessions: [] });
  expect((await get(site, `/sessions/${id}`, { method: 'DELETE' })).status).toBe(404);
});
