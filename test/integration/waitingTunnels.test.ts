import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parsePairs } from '../../src/iscsi/text.ts';
import { testPki } from '../support/certificates.ts';
import { DB1, IDENTITY, loginRequest } from '../support/loginPdus.ts';
import { startSite, startTarget, type Site, type SiteOptions, type SiteSettings } from '../support/site.ts';
import type { TunnelInitiator } from '../support/tunnelInitiator.ts';

/** A busy machine takes its time. */
const PATIENCE = { timeout: 20_000 };

async function start(limits: SiteOptions['limits'] = {}, options: Partial<SiteOptions> = {}): Promise<Site> {
  const array = await startTarget();
  return startSite({ backends: { array1: { portals: [array.portal] } }, limits, admin: true, ...options });
}

/** As stunnel comes: it knows nothing of ALPN. */
const WITHOUT_ALPN = { ALPNProtocols: [] };

/** A tunnel of which the gateway has taken notice. */
async function opened(site: Site, options: Parameters<Site['connect']>[0] = {}): Promise<TunnelInitiator> {
  site.log.forget();
  const tunnel = await site.connect(options);
  await site.log.line({ msg: 'tunnel open' });
  return tunnel;
}

const places = (site: Site): Promise<number> => value(site, 'sangate_tunnels_waiting');

/** A tunnel that has a place to wait. */
async function waiting(site: Site, options: Parameters<Site['connect']>[0] = {}): Promise<TunnelInitiator> {
  const before = await places(site);
  const tunnel = await site.connect(options);
  await expect.poll(() => places(site), PATIENCE).toBe(before + 1);
  return tunnel;
}

/** Longer than it takes to be given a place: somebody who came now has one. */
async function timeForPlaces(site: Site): Promise<void> {
  await waiting(site);
}

/** Longer than `limits.loginSeconds`: somebody who says nothing, and may not wait, has come and was cut off. */
async function timeForALogin(site: Site): Promise<void> {
  const other = await site.connect(WITHOUT_ALPN);
  await other.closed;
}

async function reload(site: Site, change: (settings: SiteSettings) => void = () => {}): Promise<void> {
  await site.reload((settings) => {
    settings['log'] = { level: 'debug' };
    change(settings);
  });
}

async function value(site: Site, series: string): Promise<number> {
  const { address, port } = site.gateway.admin!;
  const text = await (await fetch(`http://${address}:${port}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${series} `))!
      .slice(series.length),
  );
}

test('a tunnel that says nothing outlives the time for a login, and is good for one afterwards', async () => {
  const site = await start({ loginSeconds: 1 });
  const tunnel = await waiting(site);
  await timeForALogin(site);
  await tunnel.logIn();
  await tunnel.ping();
});

test('the time for its login begins with its first byte', async () => {
  const site = await start({ loginSeconds: 1 });
  const tunnel = await waiting(site);
  tunnel.send(loginRequest([['InitiatorName', DB1]]).subarray(0, 1));
  await tunnel.closed;
  const line = await site.log.line({ msg: 'login denied' });
  expect(line).toMatchObject({ reason: 'login_timeout', detail: 'the login was not done within 1 s' });
});

test('who waits takes no place of those who have not authenticated', async () => {
  const site = await start({ unauthenticatedPerAddress: 1 });
  for (let count = 0; count < 3; count++) await waiting(site);
  expect(await value(site, 'sangate_connections_unauthenticated')).toBe(0);
  await (await site.connect()).logIn();
});

test('who speaks at once has its login under the bounds of strangers', async () => {
  const site = await start();
  const tunnel = await site.connect();
  tunnel.send(loginRequest([['InitiatorName', DB1]]).subarray(0, 48));
  await timeForPlaces(site);
  expect(await places(site)).toBe(1);
  expect(await value(site, 'sangate_connections_unauthenticated')).toBe(1);
});

test('a tunnel keeps its place to the end of its login, and no longer', async () => {
  const site = await start();
  const tunnel = await waiting(site);
  const request = loginRequest(IDENTITY);
  tunnel.send(request.subarray(0, 48));
  await timeForPlaces(site);
  expect(await places(site)).toBe(2);
  tunnel.send(request.subarray(48));
  await tunnel.next();
  expect(await places(site)).toBe(1);
});

test.each(['waiting', 'waitingPerCertificate'])(
  'above limits.%s the newcomer has the time for a login, and the others stay',
  async (limit) => {
    const site = await start({ loginSeconds: 1, [limit]: 1 });
    const first = await waiting(site);
    const second = await opened(site);
    await second.closed;
    expect(await site.log.line({ msg: 'login denied' })).toMatchObject({
      reason: 'login_timeout',
      detail:
        'the login was not done within 1 s: the tunnel had found no place to wait (limits.waiting, limits.waitingPerCertificate)',
    });
    expect(await value(site, 'sangate_tunnels_turned_away_total')).toBe(1);
    await first.logIn();
  },
);

test('tunnels with another certificate have places of their own', async () => {
  const site = await start({ loginSeconds: 1, waitingPerCertificate: 1 });
  const { issue } = await testPki();
  await waiting(site);
  const other = await waiting(site, await issue({}));
  await timeForALogin(site);
  await other.logIn();
});

test('a login that ends gives its place free, also where it ends in a session', async () => {
  const site = await start({ loginSeconds: 1, waitingPerCertificate: 1 });
  const first = await waiting(site);
  await first.logIn();
  const second = await waiting(site);
  await timeForALogin(site);
  await second.logInToDiscovery(DB1);
});

test('a tunnel that its stub takes back gives its place free, and is no login', async () => {
  const site = await start({ loginSeconds: 1, waitingPerCertificate: 1 });
  (await waiting(site)).end();
  await site.log.line({ msg: 'tunnel closed unused', reason: 'peer_closed', level: 'debug' });
  const second = await waiting(site);
  await timeForALogin(site);
  await second.logIn();
  expect(await value(site, 'sangate_logins_total{result="denied",reason="peer_closed"}')).toBe(0);
  expect(await value(site, 'sangate_tunnels_unused_total{reason="peer_closed"}')).toBe(1);
});

test('who comes without ALPN, as stunnel does, may not wait', async () => {
  const site = await start({ loginSeconds: 1 });
  const tunnel = await opened(site, WITHOUT_ALPN);
  expect(await value(site, 'sangate_connections_unauthenticated')).toBe(1);
  await tunnel.closed;
  expect(await site.log.line({ msg: 'login denied' })).toMatchObject({ reason: 'login_timeout' });
  expect(await places(site)).toBe(0);
});

test('a tunnel waits for so long and no longer', async () => {
  const site = await start({ waitingSeconds: 1 });
  const tunnel = await opened(site);
  await tunnel.closed;
  expect(await site.log.line({ msg: 'tunnel closed unused' })).toMatchObject({
    reason: 'login_timeout',
    level: 'info',
    detail: 'no initiator came within 1 s (limits.waitingSeconds); a stub keeps a tunnel for 240 s',
  });
});

test('a gateway that drains ends the tunnels that wait at once', { timeout: 20_000 }, async () => {
  const site = await start({ drainSeconds: 600 });
  const initiator = await site.connect();
  await initiator.logIn();
  const tunnel = await waiting(site);
  const drained = site.gateway.drain();
  await tunnel.closed;
  await site.log.line({ msg: 'tunnel closed unused', reason: 'shutting_down' });
  initiator.end();
  await drained;
});

test('a reload ends a tunnel whose certificate is revoked since, and no other', async () => {
  const site = await start();
  const { issue, crlOf } = await testPki();
  const pair = await issue({});
  const good = await waiting(site);
  const bad = await waiting(site, pair);
  await writeFile(site.file('ca.crl'), crlOf([pair.cert]));
  await reload(site);
  await bad.closed;
  await site.log.line({ msg: 'tunnel closed unused', reason: 'revoked_cert', level: 'warn' });
  await good.logIn();
});

test('a reload with a new certificate of the gateway ends the tunnels that wait under the old one', async () => {
  const site = await start();
  const { issue } = await testPki();
  const renewed = await issue({ usage: 'server', ip: ['127.0.0.1'] });
  const tunnel = await waiting(site);
  await writeFile(site.file('gateway.crt'), renewed.cert);
  await writeFile(site.file('gateway.key'), renewed.key, { mode: 0o600 });
  await reload(site);
  await tunnel.closed;
  await site.log.line({ msg: 'tunnel closed unused', reason: 'shutting_down' });
});

test('a reload without their listener ends the tunnels that wait at it', async () => {
  const site = await start();
  const tunnel = await waiting(site);
  await reload(site, ({ listen }) => (listen[0]!.address = '127.0.0.2:0'));
  await tunnel.closed;
  await site.log.line({ msg: 'tunnel closed unused', reason: 'shutting_down' });
});

test('a tunnel that waited over a reload logs in under what holds now', async () => {
  const site = await start();
  const tunnel = await waiting(site);
  await reload(site, ({ listen }) => (listen[0]!.advertise = '192.0.2.10:3260'));
  await tunnel.logInToDiscovery(DB1);
  const pairs = parsePairs(Buffer.concat(await tunnel.text([['SendTargets', 'All']])));
  expect(new Map(pairs).get('TargetAddress')).toBe('192.0.2.10:3260,1');
});

test('new limits for waiting hold for whoever comes after a reload', async () => {
  const site = await start({ loginSeconds: 1 });
  await waiting(site);
  await reload(site, (settings) => (settings.limits = { loginSeconds: 1, waiting: 0 }));
  const late = await opened(site);
  await late.closed;
  await site.log.line({ msg: 'login denied', reason: 'login_timeout' });
  expect(await places(site)).toBe(1);
});

test('places to wait are counted over all workers', async () => {
  const site = await start({ loginSeconds: 1, waitingPerCertificate: 1 }, { workers: 2 });
  const first = await waiting(site);
  const second = await opened(site);
  await second.closed;
  await site.log.line({ msg: 'login denied', reason: 'login_timeout' });
  await first.logIn();
  await waiting(site);
});

test('a worker that is lost takes its waiting tunnels along, and leaves their places', async () => {
  const site = await start({}, { workers: 2 });
  const [first, second] = [await waiting(site), await waiting(site)];
  site.killWorker(1);
  await first.closed;
  await site.log.line({ msg: 'worker lost' });
  expect(await places(site)).toBe(1);
  await second.logIn();
});

test('a drain ends the tunnels that wait on every worker', async () => {
  const site = await start({}, { workers: 2 });
  const tunnels = [await waiting(site), await waiting(site)];
  await site.gateway.drain();
  await Promise.all(tunnels.map(({ closed }) => closed));
  const unused = site.log.lines.filter(({ msg }) => msg === 'tunnel closed unused');
  expect(unused.map(({ reason }) => reason)).toEqual(['shutting_down', 'shutting_down']);
});
