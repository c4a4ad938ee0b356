import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import net, { type AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { opcodeAt } from '../../src/iscsi/bhs.ts';
import { decodeBhs } from '../../src/iscsi/layouts.ts';
import { LoginStatus } from '../../src/iscsi/loginStatus.ts';
import { Opcode } from '../../src/iscsi/opcode.ts';
import { challenged } from '../support/chapLogin.ts';
import { createCrl } from '../../src/pki/createCrl.ts';
import { daysAgo, testPki, type TestPki } from '../support/certificates.ts';
import { DB1, IDENTITY, loginRequest } from '../support/loginPdus.ts';
import type { ScriptedTarget } from '../support/scriptedTarget.ts';
import { SECRETS, startSite, startTarget, type Site, type SiteSettings } from '../support/site.ts';
import { mint, mintCrl } from '../support/minting.ts';
import type { TunnelInitiator } from '../support/tunnelInitiator.ts';

async function startBoth(): Promise<{ site: Site; array: ScriptedTarget }> {
  const array = await startTarget();
  const site = await startSite({ backends: { array1: { portals: [array.portal] } }, admin: true });
  return { site, array };
}

async function start(): Promise<Site> {
  return (await startBoth()).site;
}

async function metrics(site: Site): Promise<string> {
  const { address, port } = site.gateway.admin!;
  return (await fetch(`http://${address}:${port}/metrics`)).text();
}

/** Reads the request to log out, does not follow it, and waits for the end. */
async function expectDismissed(initiator: TunnelInitiator): Promise<void> {
  const pdu = await initiator.next();
  expect(opcodeAt(pdu!.bhs, 0)).toBe(Opcode.asyncMessage);
  const { event, parameter3 } = decodeBhs('asyncMessage', pdu!.bhs);
  expect({ event, parameter3 }).toEqual({ event: 1, parameter3: 1 });
  await initiator.closed;
}

const DISMISSALS: readonly [what: string, change: (settings: SiteSettings) => void, reason: string][] = [
  ['its entry is gone', ({ initiators }) => void delete initiators['db1'], 'unknown_initiator'],
  [
    'its address is outside',
    ({ initiators }) => (initiators['db1']!['from'] = ['203.0.113.1']),
    'address_denied',
  ],
  [
    'the entry wants another certificate',
    ({ initiators }) => (initiators['db1']!['certificate'] = { uri: 'spiffe://sangate/other' }),
    'iqn_mismatch',
  ],
  [
    'its target is taken away',
    ({ initiators }) => (initiators['db1']!['access'] = [{ target: 'iqn.2026-01.org.example:other' }]),
    'acl_denied',
  ],
  [
    'it would have to prove itself by CHAP',
    ({ initiators }) => (initiators['db1']!['chap'] = { user: 'db1', secret: { env: 'DB1' } }),
    'chap',
  ],
  [
    'the array carries its target no more',
    ({ backends }) =>
      ((backends['array1'] as Record<string, unknown>)['targets'] = ['iqn.2026-01.org.example:none']),
    'target_not_found',
  ],
];

test.each(DISMISSALS)('a session ends when %s: asked to log out, then closed', async (_, change, reason) => {
  const site = await start();
  const initiator = await site.connect();
  await initiator.logIn(IDENTITY);
  await site.reload(change);
  await expectDismissed(initiator);
  expect(await site.log.line({ msg: 'session ended' })).toMatchObject({ by: 'gateway', reason });
  expect(await site.log.line({ msg: 'reloaded' })).toMatchObject({ kept: 0, ended: 1 });
});

test('a revoked certificate ends its session, and lets nobody in again', async () => {
  const site = await start();
  const { client, crlOf, ca } = await testPki();
  const initiator = await site.connect();
  await initiator.logIn(IDENTITY);
  await writeFile(site.file('ca.crl'), crlOf([client.cert]));
  await site.reload(() => {});
  await expectDismissed(initiator);
  expect(await site.log.line({ msg: 'session ended' })).toMatchObject({ reason: 'revoked_cert' });
  const again = await site.connect({ ca, ...client });
  await again.closed;
  expect(await site.log.line({ msg: 'tunnel refused' })).toMatchObject({ reason: 'revoked_cert' });
});

test('another authority ends the sessions whose certificates come from the old one', async () => {
  const site = await start();
  const { strangerCa } = await testPki();
  const initiator = await site.connect();
  await initiator.logIn(IDENTITY);
  await writeFile(site.file('ca.crt'), strangerCa);
  await site.reload((settings) => {
    settings.listen[0]!.tls = { cert: 'gateway.crt', key: 'gateway.key', clientCa: 'ca.crt' };
  });
  await expectDismissed(initiator);
  expect(await site.log.line({ msg: 'session ended' })).toMatchObject({ reason: 'unknown_ca' });
});

const FAILED = 'reload failed: everything is as it was';

test.each([
  ['has ended', ({ crlOf }: TestPki) => crlOf([], daysAgo(60)), /the revocation list has ended/],
  [
    'another authority has signed',
    () => mintCrl(mint('CA', { kind: 'ec', ca: true }), []),
    /there is no revocation list/,
  ],
])('a list that %s does not take the place of one that holds', async (_, listOf, problem) => {
  const site = await start();
  await writeFile(site.file('ca.crl'), listOf(await testPki()));
  await site.reload(() => {});
  expect(await site.log.line({ msg: FAILED })).toMatchObject({ problem: expect.stringMatching(problem) });
  expect(await metrics(site)).toContain('sangate_config_last_reload_successful 0');
  await (await site.connect()).logInToDiscovery(DB1);
});

test('a list with a lower number than the one in force is refused: it would let in who was revoked since', async () => {
  const site = await start();
  const { authority, revoked, client } = await testPki();
  const list = (number: number, certs: readonly string[]): string =>
    createCrl({
      authority,
      revoked: certs.map((pem) => ({ serial: new X509Certificate(pem).serialNumber, revokedAt: new Date() })),
      number,
      nextUpdateDays: 30,
    });
  await writeFile(site.file('ca.crl'), list(17, [revoked.cert, client.cert]));
  await site.reload(() => {});
  expect(await site.log.line({ msg: 'reloaded' })).toMatchObject({
    lists: [{ listener: '127.0.0.1:0', number: '17', entries: 2 }],
  });
  await writeFile(site.file('ca.crl'), list(3, [revoked.cert]));
  await site.reload(() => {});
  expect(await site.log.line({ msg: FAILED })).toMatchObject({
    problem: expect.stringMatching(/revocation list 3 of .* is older than revocation list 17/),
  });
  const again = await site.connect();
  await again.closed;
});

test('entries that a newer list has no more are told', async () => {
  const site = await start();
  const { crlOf } = await testPki();
  await writeFile(site.file('ca.crl'), crlOf([]));
  await site.reload(() => {});
  expect(await site.log.line({ msg: 'reloaded' })).toMatchObject({
    level: 'warn',
    lists: [{ entries: 0, fewer: 1 }],
  });
});

test('sessions that are still admitted never notice', async () => {
  const site = await start();
  const initiator = await site.connect();
  await initiator.logIn(IDENTITY);
  await site.reload(({ initiators }) => void delete initiators['db2']);
  await initiator.ping();
  expect(await site.log.line({ msg: 'reloaded' })).toMatchObject({ kept: 1, ended: 0 });
});

test('a narrowed rule holds from the next command of a running session on', async () => {
  const site = await start();
  const initiator = await site.connect();
  await initiator.logIn(IDENTITY);
  await site.reload(({ initiators }) => {
    initiators['db1']!['access'] = [{ target: 'iqn.2026-01.org.example:disk*', mode: 'read-only' }];
  });
  initiator.command(Buffer.from('2a000000000000000100', 'hex'), Buffer.alloc(512));
  const pdu = await initiator.next();
  expect(opcodeAt(pdu!.bhs, 0)).toBe(Opcode.scsiResponse);
  expect(decodeBhs('scsiResponse', pdu!.bhs).status).toBe(0x02);
  expect(pdu!.data.subarray(4, 5).toString('hex')).toBe('07');
  await initiator.ping();
});

test('a new initiator is let in', async () => {
  const site = await start();
  const name = `${DB1}-new`;
  await site.reload(({ initiators }) => {
    initiators['new'] = { ...initiators['db1'], iqn: name };
  });
  await (await site.connect()).logInToDiscovery(name);
});

test('a discovery session that was open before is asked by the new rules', async () => {
  const site = await start();
  const initiator = await site.connect();
  await initiator.logInToDiscovery(DB1);
  await site.reload(({ initiators }) => void delete initiators['db1']);
  await expect(initiator.text([['SendTargets', 'All']])).rejects.toThrow();
  expect(await site.log.line({ msg: 'discovery answered' })).toMatchObject({ reason: 'unknown_initiator' });
});

test('a login that began before a reload is judged by what holds after it, and reaches no array', async () => {
  const { site, array } = await startBoth();
  const initiator = await site.connect();
  await site.reload(({ initiators }) => void delete initiators['db1']);
  const response = await initiator.exchange(loginRequest(IDENTITY));
  expect(response!.status).toBe(LoginStatus.authorizationFailure);
  expect(array.connections).toHaveLength(0);
});

test("a login that lost its right while it was under way ends nobody's session", async () => {
  const { site } = await startBoth();
  const { issue } = await testPki();
  const other = await issue({
    uri: ['spiffe://sangate/db1-new'],
    usage: 'client',
    days: 1,
    commonName: 'new',
  });
  const late = await site.connect();
  await site.reload(({ initiators }) => {
    initiators['db1']!['certificate'] = { uri: 'spiffe://sangate/db1-new' };
  });
  const owner = await site.connect(other);
  await owner.logIn(IDENTITY);
  expect((await late.exchange(loginRequest(IDENTITY)))!.status).toBe(LoginStatus.authorizationFailure);
  await owner.ping();
});

test('a secret that was changed while a login is under way lets nobody in', async () => {
  const { site } = await startBoth();
  const chap = { user: 'db1', secret: { env: 'DB1' } };
  await site.reload(({ initiators }) => void (initiators['db1']!['chap'] = chap));
  const initiator = await site.connect();
  const { response, answer } = await challenged(initiator, DB1, SECRETS.DB1);
  await site.reload(({ initiators }) => {
    initiators['db1']!['chap'] = { ...chap, secret: { env: 'DB1_MUTUAL' } };
  });
  const refused = await answer([
    ['CHAP_N', 'db1'],
    ['CHAP_R', `0x${response}`],
  ]);
  expect(refused!.status).toBe(LoginStatus.authenticationFailure);
  expect(await site.log.line({ reason: 'chap' })).toMatchObject({
    detail: 'the secret was changed while this login was under way',
  });
});

test('a discovery session is asked for its certificate at every question', async () => {
  const site = await start();
  const { client, crlOf } = await testPki();
  const initiator = await site.connect();
  await initiator.logInToDiscovery(DB1);
  await writeFile(site.file('ca.crl'), crlOf([client.cert]));
  await site.reload(() => {});
  await expect(initiator.text([['SendTargets', 'All']])).rejects.toThrow();
  expect(await site.log.line({ msg: 'discovery answered' })).toMatchObject({ reason: 'revoked_cert' });
});

test('a listener that is new takes connections, and one that is gone takes none', async () => {
  const site = await start();
  await site.reload((settings) => {
    settings.listen = [
      { ...settings.listen[0]!, address: '127.0.0.1:0' },
      { ...settings.listen[0]!, address: '127.0.0.2:0' },
    ];
  });
  expect(await metrics(site)).toMatch(
    /sangate_not_after_timestamp_seconds\{what="certificate",listener="127\.0\.0\.2:0"\}/,
  );
  await site.reload(() => {});
  expect(await metrics(site)).not.toMatch(/listener="127\.0\.0\.2:0"/);
});

test('a listener that moves is told of, with where it listens now and where no longer', async () => {
  const site = await start();
  const { port } = site;
  site.log.forget();
  await site.reload((settings) => (settings.listen[0]!.address = '127.0.0.2:0'));
  expect(await site.log.line({ msg: 'listening' })).toEqual(
    expect.objectContaining({ role: 'gateway', address: '127.0.0.2', port: expect.any(Number) }),
  );
  expect(await site.log.line({ msg: 'no longer listening' })).toMatchObject({
    role: 'gateway',
    address: '127.0.0.1',
    port,
  });
});

test('a listener that stays is not told of anew', async () => {
  const site = await start();
  site.log.forget();
  await site.reload(() => {});
  await site.log.line({ msg: 'reloaded' });
  expect(site.log.lines.filter(({ msg }) => /listening/.test(String(msg)))).toEqual([]);
});

test('a port that another program has is told as at the start, with what to do', async () => {
  const site = await start();
  const other = net.createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await once(other, 'listening');
  const taken = `127.0.0.1:${(other.address() as AddressInfo).port}`;
  await site.reload((settings) => void settings.listen.push({ ...settings.listen[0]!, address: taken }));
  expect(await site.log.line({ msg: FAILED })).toMatchObject({
    problem: `cannot listen at ${taken}: another program listens there — stop it, or choose another port`,
  });
});

test('a listener that cannot be had leaves everything as it is', async () => {
  const site = await start();
  const initiator = await site.connect();
  await initiator.logIn(IDENTITY);
  await site.reload((settings) => {
    settings.initiators = {};
    settings.listen.push({ ...settings.listen[0]!, address: '192.0.2.1:3261' });
  });
  expect(await site.log.line({ msg: 'reload failed: everything is as it was' })).toMatchObject({
    problem: expect.stringContaining('192.0.2.1'),
  });
  await initiator.ping();
  await (await site.connect()).logInToDiscovery(DB1);
});

test.each([
  ['a mistake in the configuration', (s: SiteSettings) => void (s['initators'] = {}), /initators/],
  [
    'a secret that is not there',
    (s: SiteSettings) => void (s.initiators['db1']!['chap'] = { user: 'x', secret: { env: 'NONE' } }),
    /NONE/,
  ],
  [
    'a certificate that is not there',
    (s: SiteSettings) => void (s.listen[0]!.tls = { cert: 'no.crt', key: 'gateway.key', clientCa: 'ca.crt' }),
    /no\.crt/,
  ],
])('%s changes nothing, and the log and the metrics tell', async (_, change, problem) => {
  const site = await start();
  const initiator = await site.connect();
  await initiator.logIn(IDENTITY);
  await site.reload(change);
  expect(await site.log.line({ msg: 'reload failed: everything is as it was' })).toMatchObject({
    problem: expect.stringMatching(problem),
  });
  expect(await metrics(site)).toContain('sangate_config_last_reload_successful 0');
  await initiator.ping();
  await site.reload(() => {});
  expect(await metrics(site)).toContain('sangate_config_last_reload_successful 1');
});

test('new limits hold for whoever comes', async () => {
  const site = await start();
  await site.reload((settings) => (settings.limits = { unauthenticatedPerAddress: 1 }));
  const first = await site.connectPlain();
  const second = await site.connectPlain();
  await second.closed;
  expect(first.socket.destroyed).toBe(false);
});

test('a new certificate of the gateway is shown to whoever comes', async () => {
  const site = await start();
  const { issue } = await testPki();
  const renewed = await issue({
    dns: ['localhost'],
    ip: ['127.0.0.1'],
    usage: 'server',
    days: 1,
    commonName: 'renewed',
  });
  await writeFile(site.file('gateway.crt'), renewed.cert);
  await writeFile(site.file('gateway.key'), renewed.key, { mode: 0o600 });
  await site.reload(() => {});
  const initiator = await site.connect();
  const shown = (initiator.socket as TLSSocket).getPeerX509Certificate();
  expect(shown!.subject).toBe('CN=renewed');
});
