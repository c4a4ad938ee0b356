import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { LoginStatus } from '../../src/iscsi/loginStatus.ts';
import { certificateIdentity } from '../../src/tls/certificateIdentity.ts';
import { testPki } from '../support/certificates.ts';
import { DB1, IDENTITY, loginRequest } from '../support/loginPdus.ts';
import { startSite, startTarget, type Site, type SiteOptions } from '../support/site.ts';

const ISIDS = [1, 2, 3].map((last) => Buffer.from([0x40, 0, 1, 0x37, 0, last]));

async function start(options: Partial<SiteOptions> = {}): Promise<Site> {
  const array = await startTarget();
  return startSite({ backends: { array1: { portals: [array.portal] } }, ...options });
}

/** A second certificate that may speak for db1. */
async function twin() {
  const { issue } = await testPki();
  return issue({ uri: ['spiffe://sangate/db1'], usage: 'client', days: 1, commonName: 'twin' });
}

/** What tells a certificate from all others, as `pki list` shows it. */
function keyOf(pem: string): { sha256: string; serial: string } {
  const { sha256, serial } = certificateIdentity(new X509Certificate(pem));
  return { sha256, serial };
}

test('the same initiator with a second certificate is let in, told and counted', async () => {
  const site = await start({ admin: true });
  await (await site.connect()).logIn(IDENTITY, { isid: ISIDS[0]! });
  const second = await twin();
  await (await site.connect(second)).logIn(IDENTITY, { isid: ISIDS[1]! });
  expect(await site.log.line({ msg: 'the same initiator is there already' })).toMatchObject({
    initiator: DB1,
    ...keyOf(second.cert),
    other: { address: '127.0.0.1', ...keyOf((await testPki()).client.cert) },
    refused: false,
  });
  const { address, port } = site.gateway.admin!;
  const metrics = await (await fetch(`http://${address}:${port}/metrics`)).text();
  expect(metrics).toContain('sangate_duplicate_initiators_total{result="reported"} 1');
});

test('the same initiator from a second address is refused where the configuration says so', async () => {
  const site = await start({ guards: { duplicateInitiators: 'refuse' } });
  await site.reload(({ initiators }) => {
    initiators['db1']!['from'] = ['127.0.0.0/8'];
  });
  const first = await site.connect();
  await first.logIn(IDENTITY, { isid: ISIDS[0]! });
  const second = await site.connect({ localAddress: '127.0.0.2' });
  const response = await second.exchange(loginRequest(IDENTITY, { isid: ISIDS[1]! }));
  expect(response!.status).toBe(LoginStatus.authorizationFailure);
  expect(await site.log.line({ reason: 'duplicate_initiator' })).toMatchObject({ address: '127.0.0.2' });
  await first.ping();
});

test('a host whose certificate was renewed goes on beside its older sessions', async () => {
  const site = await start({ guards: { duplicateInitiators: 'refuse' } });
  const { issue } = await testPki();
  await (await site.connect()).logIn(IDENTITY, { isid: ISIDS[0]! });
  await (await site.connect(await issue({}))).logIn(IDENTITY, { isid: ISIDS[1]! });
});

test('hosts of a cluster are no duplicates', async () => {
  const site = await start({ guards: { duplicateInitiators: 'refuse' } });
  await site.reload(({ initiators }) => {
    initiators['db1']!['cluster'] = true;
  });
  await (await site.connect()).logIn(IDENTITY, { isid: ISIDS[0]! });
  await (await site.connect(await twin())).logIn(IDENTITY, { isid: ISIDS[1]! });
});

test('a name that was only claimed, and not proven, makes nobody a duplicate', async () => {
  const site = await start({ guards: { duplicateInitiators: 'refuse' } });
  const { stranger, issue } = await testPki();
  const other = await issue({ uri: ['spiffe://sangate/db2'], usage: 'client', days: 1, commonName: 'db2' });
  await (
    await site.connect(stranger)
  ).closed;
  await (await site.connect(other)).exchange(loginRequest(IDENTITY));
  await (await site.connect()).logIn(IDENTITY);
});

test('the session that is one too many is told to try again later', async () => {
  const site = await start({ limits: { sessionsPerInitiator: 2 } });
  const first = await site.connect();
  await first.logIn(IDENTITY, { isid: ISIDS[0]! });
  await (await site.connect()).logIn(IDENTITY, { isid: ISIDS[1]! });
  const third = await site.connect();
  const response = await third.exchange(loginRequest(IDENTITY, { isid: ISIDS[2]! }));
  expect(response!.status).toBe(LoginStatus.outOfResources);
  expect(await site.log.line({ reason: 'too_many_sessions' })).toBeDefined();
  first.destroy();
  await site.log.line({ msg: 'session ended' });
  await (await site.connect()).logIn(IDENTITY, { isid: ISIDS[2]! });
});

test('discovery sessions have a limit of their own', async () => {
  const site = await start({ limits: { sessionsPerInitiator: 1 } });
  await (await site.connect()).logIn(IDENTITY);
  await (await site.connect()).logInToDiscovery(DB1);
  const second = await site.connect();
  const request = loginRequest([
    ['InitiatorName', DB1],
    ['SessionType', 'Discovery'],
  ]);
  expect((await second.exchange(request))!.status).toBe(LoginStatus.outOfResources);
});

test('a login that reinstates a session at the limit takes its place', async () => {
  const site = await start({ limits: { sessionsPerInitiator: 1 } });
  const first = await site.connect();
  await first.logIn(IDENTITY, { isid: ISIDS[0]! });
  await (await site.connect()).logIn(IDENTITY, { isid: ISIDS[0]! });
  await first.closed;
});
