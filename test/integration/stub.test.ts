import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { parsePairs } from '../../src/iscsi/text.ts';
import { readProxyHeader } from '../../src/transport/proxyHeader.ts';
import { testPki } from '../support/certificates.ts';
import { DB1, DISK1 } from '../support/loginPdus.ts';
import type { ScriptedTarget } from '../support/scriptedTarget.ts';
import { startSite, startTarget, type Site, type SiteOptions } from '../support/site.ts';
import type { TunnelInitiator } from '../support/tunnelInitiator.ts';

async function start(listen: SiteOptions['listen'] = {}): Promise<{ array: ScriptedTarget; site: Site }> {
  const array = await startTarget();
  const site = await startSite({ listen, backends: { array1: { portals: [array.portal] } } });
  return { array, site };
}

/** A port where nobody listens. */
async function closedPort(): Promise<number> {
  const target = await startTarget();
  await target.close();
  return target.port;
}

/** An initiator that has connected to a stub with these settings. */
async function throughStub(
  site: Site,
  settings: object = {},
): Promise<TunnelInitiator & { stubPort: number }> {
  const stub = await site.startStub({ gateways: [`127.0.0.1:${site.port}`], ...settings });
  const initiator = await site.connectPlain(stub.address.port);
  return Object.assign(initiator, { stubPort: stub.address.port });
}

async function shownAddress(initiator: TunnelInitiator): Promise<string | undefined> {
  await initiator.logInToDiscovery(DB1);
  const pairs = parsePairs(Buffer.concat(await initiator.text([['SendTargets', 'All']])));
  return new Map(pairs).get('TargetAddress');
}

test('an initiator without TLS has its session through stub and gateway', async () => {
  const { site } = await start();
  const initiator = await throughStub(site);
  await initiator.logIn();
  await initiator.ping();
  const line = await site.log.line({ msg: 'login allowed' });
  expect(line).toMatchObject({ certificate: 'spiffe://sangate/db1', initiator: DB1, target: DISK1 });
});

test('discovery shows the address of the stub that the initiator dialled, not the configured one', async () => {
  const { site } = await start({ advertise: '192.0.2.10:3260' });
  const initiator = await throughStub(site);
  expect(await shownAddress(initiator)).toBe(`127.0.0.1:${initiator.stubPort},1`);
});

test('discovery shows the stub in brackets where it listens on IPv6', async () => {
  const { site } = await start();
  const stub = await site.startStub({ listen: '[::1]:0', gateways: [`127.0.0.1:${site.port}`] });
  const initiator = await site.connectPlain(stub.address.port, '::1');
  expect(await shownAddress(initiator)).toBe(`[::1]:${stub.address.port},1`);
});

test.each([
  ['192.0.2.20:3270', '192.0.2.20:3270,1'],
  ['192.0.2.20', '192.0.2.20:3260,1'],
  ['[2001:db8::20]:3270', '[2001:db8::20]:3270,1'],
  ['san.example.org:3270', 'san.example.org:3270,1'],
])('discovery shows what the stub advertises: %s', async (advertise, shown) => {
  const { site } = await start();
  expect(await shownAddress(await throughStub(site, { advertise }))).toBe(shown);
});

test('the second gateway is dialled when nobody listens at the first', async () => {
  const { site } = await start();
  const gateways = [`127.0.0.1:${await closedPort()}`, `127.0.0.1:${site.port}`];
  const initiator = await throughStub(site, { gateways });
  await initiator.logIn();
  await initiator.ping();
  expect(await site.log.line({ msg: 'tunnel open', gateway: gateways[1] })).toBeDefined();
});

test('the first gateway is dialled as long as it answers', async () => {
  const { site } = await start();
  const other = await start();
  const gateways = [`127.0.0.1:${site.port}`, `127.0.0.1:${other.site.port}`];
  const initiator = await throughStub(site, { gateways });
  await initiator.logIn();
  expect(other.array.connections).toHaveLength(0);
});

test('a gateway whose certificate has another name is refused, and the initiator is let go', async () => {
  const { site, array } = await start();
  const initiator = await throughStub(site, { serverName: 'gateway.example.org' });
  await initiator.closed;
  const line = await site.log.line({ msg: 'no gateway can be reached' });
  expect(line['detail']).toMatch(
    /^127\.0\.0\.1:\d+: the gateway's certificate is not for gateway\.example\.org but for .+: dial/,
  );
  expect(array.connections).toHaveLength(0);
});

test('a gateway whose certificate has another name is passed over for the next one', async () => {
  const { site } = await start();
  const elsewhere = await start({ address: '127.0.0.2:0' }); // which its certificate does not say
  const gateways = [`127.0.0.2:${elsewhere.site.port}`, `127.0.0.1:${site.port}`];
  const initiator = await throughStub(site, { gateways });
  await initiator.logIn();
  await initiator.ping();
  expect(elsewhere.array.connections).toHaveLength(0);
});

test("the initiator's connection is closed when no gateway answers, and the log names each", async () => {
  const { site } = await start();
  const gateways = [`127.0.0.1:${await closedPort()}`, `127.0.0.2:${await closedPort()}`];
  const initiator = await throughStub(site, { gateways });
  await initiator.closed;
  expect(initiator.received).toEqual([]);
  const line = await site.log.line({ msg: 'no gateway can be reached' });
  for (const gateway of gateways) expect(line['detail']).toContain(gateway);
});

test("a gateway that is plain iSCSI by mistake is refused, and no byte of the initiator's reaches it", async () => {
  const { site, array } = await start();
  const initiator = await throughStub(site, { gateways: [array.portal], connectTimeoutSeconds: 1 });
  initiator.send(Buffer.from('the initiator says something'));
  await initiator.closed;
  await site.log.line({ msg: 'no gateway can be reached' });
  expect(array.sessions).toHaveLength(0);
});

test('a gateway that refuses the certificate lets the initiator go', async () => {
  const { site } = await start();
  const tls = {
    cert: site.file('revoked.crt'),
    key: site.file('revoked.key'),
    ca: site.file('ca.crt'),
  };
  const initiator = await throughStub(site, { tls });
  await initiator.closed;
  await site.log.line({ msg: 'tunnel refused', reason: 'revoked_cert' });
});

test.each([
  ['closes', 'end'],
  ['resets', 'reset'],
] as const)('an initiator that %s closes the tunnel and the array at once', async (_, how) => {
  const { site, array } = await start();
  const initiator = await throughStub(site);
  await initiator.logIn();
  initiator[how]();
  await (
    await array.session()
  ).closed;
  await site.log.line({ msg: 'tunnel closed', level: 'info' });
  await site.log.line({ msg: 'session ended', by: 'initiator', level: 'info' });
});

test('an array that closes lets the initiator go', async () => {
  const { site, array } = await start();
  const initiator = await throughStub(site);
  await initiator.logIn();
  (await array.session()).socket.end();
  await initiator.closed;
});

test("the PROXY header and the initiator's first bytes reach the gateway as one", async () => {
  const { site } = await start();
  const { gateway, ca } = await testPki();
  const server = createServer({ ...gateway, ca, requestCert: true, ALPNProtocols: ['sangate'] });
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const arrives = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  const gateways = [`127.0.0.1:${(server.address() as AddressInfo).port}`];
  const initiator = await throughStub(site, { gateways, warmTunnels: 0 });
  initiator.send(Buffer.from('the first bytes'));
  const [tunnel] = await arrives;
  onTestFinished(() => void tunnel.destroy());
  const [chunk] = (await once(tunnel, 'data')) as [Buffer];
  const header = readProxyHeader(chunk);
  expect(header.kind).toBe('header');
  expect(chunk.subarray((header as { length: number }).length).toString()).toBe('the first bytes');
});

test('an initiator that goes without a word takes its tunnel along', async () => {
  const { site } = await start();
  const initiator = await throughStub(site);
  await site.log.line({ msg: 'tunnel open', level: 'info' });
  initiator.end();
  await site.log.line({ msg: 'tunnel closed unused', reason: 'peer_closed' });
});

test('HTTP to the stub is told from iSCSI at the gateway', async () => {
  const { site } = await start();
  const initiator = await throughStub(site);
  initiator.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  await initiator.closed;
  expect(await site.log.line({ msg: 'login denied' })).toMatchObject({ reason: 'not_iscsi' });
});
