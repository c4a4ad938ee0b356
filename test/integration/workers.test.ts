import { expect, test } from 'vitest';
import { opcodeAt } from '../../src/iscsi/bhs.ts';
import { LoginStatus } from '../../src/iscsi/loginStatus.ts';
import { Opcode } from '../../src/iscsi/opcode.ts';
import type { SessionSummary } from '../../src/telemetry/sessionSummary.ts';
import type { Status } from '../../src/status/status.ts';
import { testPki } from '../support/certificates.ts';
import { challenged } from '../support/chapLogin.ts';
import { DB1, IDENTITY, loginRequest } from '../support/loginPdus.ts';
import { valueOf } from '../support/metricsText.ts';
import { DB1_MUTUAL, SECRETS, startSite, startTarget, type Site, type SiteOptions } from '../support/site.ts';
import type { TunnelInitiator } from '../support/tunnelInitiator.ts';

const ISIDS = [1, 2, 3, 4].map((last) => Buffer.from([0x40, 0, 1, 0x37, 0, last]));
const TEST_UNIT_READY = Buffer.alloc(6);

async function start(options: Partial<SiteOptions> = {}): Promise<Site> {
  const array = await startTarget();
  return startSite({
    backends: { array1: { portals: [array.portal] } },
    admin: true,
    workers: 2,
    ...options,
  });
}

/** Two sessions of db1, the first on worker 1 and the second on worker 2. */
async function startBoth(options: Partial<SiteOptions> = {}) {
  const site = await start(options);
  const first = await site.connect();
  await first.logIn(IDENTITY, { isid: ISIDS[0]! });
  const second = await site.connect();
  await second.logIn(IDENTITY, { isid: ISIDS[1]! });
  return { site, first, second };
}

const url = (site: Site, path: string): string => `http://127.0.0.1:${site.gateway.admin!.port}${path}`;
const metrics = async (site: Site): Promise<string> => (await fetch(url(site, '/metrics'))).text();
const sessions = async (site: Site): Promise<SessionSummary[]> =>
  ((await (await fetch(url(site, '/sessions'))).json()) as { sessions: SessionSummary[] }).sessions;

async function useLun(initiator: TunnelInitiator): Promise<void> {
  initiator.command(TEST_UNIT_READY);
  expect(opcodeAt((await initiator.next())!.bhs, 0)).toBe(Opcode.scsiResponse);
}

test('connections go to the worker that has the fewest, and every session says on which it is', async () => {
  const { site, first, second } = await startBoth();
  expect((await sessions(site)).map(({ id, worker }) => ({ id, worker }))).toEqual([
    { id: 1, worker: 1 },
    { id: 2, worker: 2 },
  ]);
  await first.ping();
  await second.ping();
});

test('a duplicate is found on another worker, and refused where the configuration says so', async () => {
  const site = await start({ guards: { duplicateInitiators: 'refuse' } });
  await site.reload(({ initiators }) => (initiators['db1']!['from'] = ['127.0.0.0/8']));
  const first = await site.connect();
  await first.logIn(IDENTITY, { isid: ISIDS[0]! });
  const second = await site.connect({ localAddress: '127.0.0.2' });
  const refused = await second.exchange(loginRequest(IDENTITY, { isid: ISIDS[1]! }));
  expect(refused!.status).toBe(LoginStatus.authorizationFailure);
  expect(await site.log.line({ reason: 'duplicate_initiator' })).toMatchObject({ address: '127.0.0.2' });
  await first.ping();
});

test('sessions on all workers together are no more than an initiator may have', async () => {
  const { site, first } = await startBoth({ limits: { sessionsPerInitiator: 2 } });
  const third = await site.connect();
  const refused = await third.exchange(loginRequest(IDENTITY, { isid: ISIDS[2]! }));
  expect(refused!.status).toBe(LoginStatus.outOfResources);
  first.destroy();
  await site.log.line({ msg: 'session ended' });
  await (await site.connect()).logIn(IDENTITY, { isid: ISIDS[2]! });
});

test('a session that is reinstated on another worker has ended before the new one runs', async () => {
  const site = await start({ limits: { sessionsPerInitiator: 1 } });
  const first = await site.connect();
  await first.logIn(IDENTITY, { isid: ISIDS[0]! });
  const second = await site.connect();
  await second.logIn(IDENTITY, { isid: ISIDS[0]! });
  await second.ping();
  expect(await site.log.line({ msg: 'session ended' })).toMatchObject({ session: 1 });
  await first.closed;
  expect((await sessions(site)).map(({ id, worker }) => ({ id, worker }))).toEqual([{ id: 2, worker: 2 }]);
});

test('a challenge of one worker is a reflection on another', async () => {
  const site = await start();
  const one = await challenged(await site.connect(), DB1_MUTUAL, SECRETS.DB1_MUTUAL);
  const other = await challenged(await site.connect(), DB1_MUTUAL, SECRETS.DB1_MUTUAL);
  const refused = await other.answer([
    ['CHAP_N', 'db1'],
    ['CHAP_R', `0x${other.response}`],
    ['CHAP_I', '1'],
    ['CHAP_C', one.challenge],
  ]);
  expect(refused).toMatchObject({ status: LoginStatus.authenticationFailure });
  expect((await site.log.line({ reason: 'chap' }))['detail']).toContain('reflection');
});

test('a reload takes sessions away on every worker, and tells how many', async () => {
  const { site, first, second } = await startBoth();
  await site.reload(({ initiators }) => void delete initiators['db1']);
  await Promise.all([first.closed, second.closed]);
  expect(await site.log.line({ msg: 'reloaded' })).toMatchObject({ kept: 0, ended: 2 });
});

test('a reload that fails leaves every worker as it was', async () => {
  const { site, first, second } = await startBoth();
  await site.reload((settings) => {
    delete settings.initiators['db1'];
    settings.listen.push({ ...settings.listen[0]!, address: `127.0.0.1:${site.gateway.admin!.port}` });
  });
  expect(await site.log.line({ level: 'error' })).toMatchObject({
    msg: 'reload failed: everything is as it was',
  });
  await first.ping();
  await second.ping();
  await (await site.connect()).logIn(IDENTITY, { isid: ISIDS[2]! });
});

test('an operator ends a session by its number on whichever worker it is', async () => {
  const { site, first, second } = await startBoth();
  const { status } = await fetch(url(site, '/sessions/2'), { method: 'DELETE' });
  expect(status).toBe(202);
  await second.closed;
  expect(await site.log.line({ msg: 'session ended' })).toMatchObject({ session: 2, reason: 'killed' });
  await first.ping();
});

test('commands are counted together, and no count goes back when a worker is lost', async () => {
  const { site, first, second } = await startBoth();
  await useLun(first);
  await useLun(first);
  await useLun(second);
  const series = `sangate_commands_total{initiator="db1",target="iqn.2026-01.org.example:disk1",lun="0",class="other"}`;
  const before = await metrics(site);
  expect(valueOf(before, series)).toBe(3);
  expect(valueOf(before, 'sangate_sessions')).toBe(2);
  site.killWorker(1);
  await site.log.line({ msg: 'worker lost' });
  const after = await metrics(site);
  expect(valueOf(after, series)).toBe(3);
  expect(valueOf(after, 'sangate_sessions')).toBe(1);
  const pdus = 'sangate_pdus_total{direction="initiator_to_target"}';
  expect(valueOf(after, pdus)).toBeGreaterThanOrEqual(valueOf(before, pdus));
});

test('a worker that is lost costs its own sessions alone, each of which is told, and is counted and replaced', async () => {
  const { site, first, second } = await startBoth();
  site.log.forget();
  site.killWorker(1);
  await first.closed;
  expect(await site.log.line({ msg: 'worker lost' })).toMatchObject({
    level: 'error',
    worker: 1,
    how: 'SIGKILL',
    sessions: 1,
    connections: 1,
  });
  const ended = { session: 1, by: 'gateway', reason: 'worker_lost', initiator: DB1 };
  expect(await site.log.line({ msg: 'session ended' })).toMatchObject(ended);
  await second.ping();
  await site.log.line({ msg: 'worker started' });
  const again = await site.connect();
  await again.logIn(IDENTITY, { isid: ISIDS[0]! });
  const text = await metrics(site);
  expect(valueOf(text, 'sangate_worker_crashes_total')).toBe(1);
  expect((await sessions(site)).map(({ worker }) => worker)).toEqual([1, 2]);
});

test('who was in the anteroom of a worker that is lost has left it', async () => {
  const site = await start({ limits: { unauthenticatedPerAddress: 1 } });
  const waiting = await site.connectPlain();
  const refused = await site.connectPlain();
  await refused.closed;
  site.killWorker(1);
  await waiting.closed;
  await site.log.line({ msg: 'worker lost' });
  await (await site.connect()).logIn(IDENTITY);
});

test('the limit before authentication holds for all workers together', async () => {
  const site = await start({ limits: { unauthenticated: 2 } });
  await site.connectPlain();
  await site.connectPlain();
  await (
    await site.connectPlain()
  ).closed;
  expect(await site.log.line({ msg: 'connection refused' })).toMatchObject({
    reason: 'too_many_connections',
  });
});

test('a drain asks the initiators of every worker to log out', async () => {
  const { site, first, second } = await startBoth({ limits: { drainSeconds: 600 } });
  const drained = site.gateway.drain();
  for (const initiator of [first, second]) {
    expect(opcodeAt((await initiator.next())!.bhs, 0)).toBe(Opcode.asyncMessage);
    await initiator.logOut();
  }
  await drained;
  expect(await site.log.line({ msg: 'draining: initiators are asked to log out' })).toMatchObject({
    sessions: 2,
  });
});

test('the status has every worker', async () => {
  const { site } = await startBoth();
  const { workers } = (await (await fetch(url(site, '/status.json'))).json()) as Status;
  const worker = { connections: 1, pid: expect.any(Number), cpuSeconds: expect.any(Number) };
  expect(workers).toMatchObject([
    { number: 1, ...worker },
    { number: 2, ...worker },
  ]);
});

test('discovery and refusals on workers are logged as ever', async () => {
  const site = await start();
  const initiator = await site.connect();
  await initiator.logInToDiscovery(DB1);
  await initiator.text([['SendTargets', 'All']]);
  expect(await site.log.line({ msg: 'discovery answered' })).toMatchObject({ initiator: DB1 });
  const { stranger } = await testPki();
  await (
    await site.connect(stranger)
  ).closed;
  expect(await site.log.line({ msg: 'tunnel refused' })).toMatchObject({ reason: 'unknown_ca' });
});
