import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { SessionSummary } from '../../src/telemetry/sessionSummary.ts';
import type { Status } from '../../src/status/status.ts';
import { valueOf } from '../support/metricsText.ts';
import { logged, nextLogged } from './support/log.ts';
import { EVERY_PATH } from './support/openSession.ts';
import { runOk } from './support/process.ts';
import { MEBIBYTE } from './support/qemu.ts';
import { resources, type Resources } from './support/resources.ts';
import {
  issueCertificates,
  revoke,
  startGateway,
  startStub,
  twinOf,
  type Certificates,
  type GatewaySetup,
  type RunningGateway,
} from './support/sangate.ts';
import { diskFile, Tgtd } from './support/tgtd.ts';
import { tunnelDialler } from './support/tunnel.ts';
import { SHARE_BYTES, VerifiedLoad } from './support/verifiedLoad.ts';
import { TEST_UNIT_READY, WritingInitiator } from './support/writingInitiator.ts';

const iqn = 'iqn.2024-01.test.sangate:db1';
const target = 'iqn.2024-01.test.sangate:spread';
const LOST = 'worker lost';
const ENDED = 'session ended';

let opened: Resources;
let certificates: Required<Certificates>;
let tgtd: Tgtd;
let disk: string;

beforeEach(async () => {
  opened = resources(onTestFinished);
  disk = await diskFile(await opened.directory(), 'disk.img', (4 * SHARE_BYTES) / MEBIBYTE);
  tgtd = await Tgtd.start(opened);
  await tgtd.addTarget(target, {
    luns: { 1: disk },
    parameters: EVERY_PATH,
  });
  certificates = await issueCertificates(opened);
});

const start = (more: Partial<GatewaySetup> = {}): Promise<RunningGateway> =>
  startGateway(opened, {
    certificates,
    backends: [{ portals: [tgtd.portal] }],
    initiators: [{ iqn, targets: [target] }],
    workers: 2,
    ...more,
  });

const logIn = (portal: string, holder: Certificates = certificates): Promise<WritingInitiator> =>
  WritingInitiator.logIn(opened, { portal, target, iqn, headerDigest: 'crc32c' }, tunnelDialler(holder));

/** So many sessions, the first on worker 1, the second on worker 2, and so on. */
async function logInAll(portal: string, count: number): Promise<WritingInitiator[]> {
  const initiators: WritingInitiator[] = [];
  for (let i = 0; i < count; i++) initiators.push(await logIn(portal));
  return initiators;
}

async function loadAll(initiators: readonly WritingInitiator[]): Promise<VerifiedLoad[]> {
  const loads = initiators.map((initiator, session) => new VerifiedLoad(initiator, session));
  for (const load of loads) load.start();
  await Promise.all(loads.map((load) => load.progress(20)));
  return loads;
}

/** Connects, and waits until that is closed. */
async function closed(address: string): Promise<void> {
  const { hostname: host, port } = new URL(`tcp://${address}`);
  await once(net.connect({ host, port: Number(port) }).resume(), 'close');
}

const status = async ({ admin }: RunningGateway): Promise<Status> =>
  (await (await fetch(`http://${admin}/status.json`)).json()) as Status;

const metric = async ({ admin }: Pick<RunningGateway, 'admin'>, series: string): Promise<number> =>
  valueOf(await (await fetch(`http://${admin}/metrics`)).text(), series);

const pids = async (gateway: RunningGateway): Promise<number[]> =>
  (await status(gateway)).workers!.map(({ pid }) => pid);

async function gone(pid: number): Promise<void> {
  const isThere = (): boolean =>
    existsSync(`/proc/${pid}/stat`) && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  while (isThere()) await delay(20); // it is no child of this process: nobody tells
}

test('a worker that is killed under load costs exactly its own sessions; it is counted once and replaced', async () => {
  const gateway = await start();
  const initiators = await logInAll(gateway.address, 4);
  const loads = await loadAll(initiators);
  const { workers, sessions } = await status(gateway);
  expect(sessions.map(({ worker }) => worker)).toEqual([1, 1, 2, 2]);
  process.kill(workers![0]!.pid, 'SIGKILL');

  expect(await nextLogged(gateway.program, LOST)).toMatchObject({
    worker: 1,
    how: 'SIGKILL',
    sessions: 2,
    connections: 2,
  });
  await Promise.all([initiators[0]!.ended, initiators[2]!.ended]);
  const survivors = [loads[1]!, loads[3]!];
  await Promise.all(survivors.map((load) => load.progress(50)));
  for (const load of survivors) {
    await load.stop();
    await load.readBack();
  }
  const ended = logged(gateway.program, ENDED);
  expect(ended.map(({ session, reason }) => ({ session, reason }))).toEqual([
    { session: 1, reason: 'worker_lost' },
    { session: 3, reason: 'worker_lost' },
  ]);
  for (const load of loads) expect(await load.faultsIn(disk)).toEqual([]);

  const before = gateway.program.lines.findIndex((line) => line.includes(LOST));
  expect(await nextLogged(gateway.program, 'worker started', before)).toMatchObject({ worker: 1 });
  expect(await metric(gateway, 'sangate_worker_crashes_total')).toBe(1);
  await logInAll(gateway.address, 2);
  expect((await status(gateway)).sessions.map(({ worker }) => worker)).toEqual([1, 1, 2, 2]);
});

test('a revoked certificate ends its sessions on every worker, and no other', async () => {
  const second = await twinOf(certificates, 'second');
  const gateway = await start();
  const revoked = [await logIn(gateway.address, second), await logIn(gateway.address, second)];
  const kept = await logInAll(gateway.address, 2);
  await revoke(certificates, 'second');
  gateway.program.signal('SIGHUP');
  for (const initiator of revoked) expect(await initiator.logoutAsked).toBe(true);
  await Promise.all(revoked.map(({ ended }) => ended));
  expect(await nextLogged(gateway.program, 'reloaded')).toMatchObject({ kept: 2, ended: 2 });
  for (const initiator of kept) {
    expect(await initiator.execute({ cdb: TEST_UNIT_READY })).toMatchObject({ status: 0 });
  }
});

test('a duplicate of an initiator on another worker is refused where the configuration says so', async () => {
  const gateway = await start({ guards: { duplicateInitiators: 'refuse' } });
  const first = await logIn(gateway.address);
  const twin = await twinOf(certificates, 'twin');
  await expect(logIn(gateway.address, twin)).rejects.toThrow('authorizationFailure');
  expect(await nextLogged(gateway.program, 'login denied')).toMatchObject({ reason: 'duplicate_initiator' });
  expect(await first.execute({ cdb: TEST_UNIT_READY })).toMatchObject({ status: 0 });
});

test('sessions on all workers together are no more than maxSessions', async () => {
  const gateway = await start({ initiators: [{ iqn, targets: [target], maxSessions: 2 }] });
  const [first] = await logInAll(gateway.address, 2);
  await expect(logIn(gateway.address)).rejects.toThrow('outOfResources');
  expect(await nextLogged(gateway.program, 'login denied')).toMatchObject({ reason: 'too_many_sessions' });
  await first!.logOut();
  await nextLogged(gateway.program, ENDED);
  await logIn(gateway.address);
});

test('an operator sees the worker of a session, and ends one on the second', async () => {
  const gateway = await start();
  const [first, second] = await logInAll(gateway.address, 2);
  const main = path.resolve('dist/main.js');
  const listed = await runOk(process.execPath, [main, 'sessions', '--json', '--admin', gateway.admin]);
  const sessions = JSON.parse(listed) as SessionSummary[];
  const id = sessions.find(({ worker }) => worker === 2)!.id;
  await runOk(process.execPath, [main, 'kill', String(id), '--admin', gateway.admin]);
  await second!.ended;
  expect(await nextLogged(gateway.program, ENDED)).toMatchObject({ session: id, reason: 'killed' });
  expect(await first!.execute({ cdb: TEST_UNIT_READY })).toMatchObject({ status: 0 });
});

test('a stop that reaches every process drains all workers, and none ends before its sessions', async () => {
  const gateway = await start({ limits: { drainSeconds: 600 } });
  const initiators = await logInAll(gateway.address, 2);
  const loads = await loadAll(initiators);
  const workers = await pids(gateway);
  for (const pid of [...workers, gateway.program.pid]) process.kill(pid, 'SIGTERM');
  for (const initiator of initiators) expect(await initiator.logoutAsked).toBe(true);
  for (const [index, load] of loads.entries()) {
    await load.progress(20);
    await load.stop();
    await initiators[index]!.logOut();
  }
  expect(await gateway.program.exited()).toBe(0);
  expect(logged(gateway.program, ENDED)).toMatchObject([
    { reason: 'shutting_down', by: 'logout' },
    { reason: 'shutting_down', by: 'logout' },
  ]);
  expect(logged(gateway.program, LOST)).toEqual([]);
  await Promise.all(workers.map(gone));
});

test('no worker outlives a control that is killed', async () => {
  const gateway = await start();
  const initiators = await logInAll(gateway.address, 2);
  const workers = await pids(gateway);
  gateway.program.signal('SIGKILL');
  await Promise.all(workers.map(gone));
  await Promise.all(initiators.map(({ ended }) => ended));
});

test('no secret and no key is in the command line or the environment of a worker', async () => {
  const secret = 'a secret of the test 1';
  const gateway = await start({
    initiators: [{ iqn, targets: [target], chap: { user: 'db1', secret } }],
  });
  for (const pid of await pids(gateway)) {
    const shown = ['cmdline', 'environ'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'latin1')).join();
    expect(shown).not.toContain(secret);
    expect(shown).not.toContain('PRIVATE KEY');
    expect(shown).not.toContain(gateway.file);
  }
});

/** Of a process that runs. @returns undoes it */
async function leaveNoDescriptor(pid: number): Promise<() => Promise<string>> {
  const [, limit] = readFileSync(`/proc/${pid}/limits`, 'utf8').match(/^Max open files +(\d+)/m)!;
  const set = (soft: string): Promise<string> => runOk('prlimit', ['--pid', `${pid}`, `--nofile=${soft}:`]);
  await set('0');
  return () => set(limit!);
}

test('who meets workers without a file descriptor is turned away in time, and those who are there notice nothing', async () => {
  const gateway = await start({ limits: { unauthenticated: 2, unauthenticatedPerAddress: 2 } });
  const initiators = await logInAll(gateway.address, 2);
  const restore = await Promise.all((await pids(gateway)).map(leaveNoDescriptor));
  const turnedAway = [closed(gateway.address), closed(gateway.address)];
  expect(await nextLogged(gateway.program, 'connection refused')).toMatchObject({ reason: 'not_taken' });
  await Promise.all(turnedAway);
  for (const initiator of initiators) {
    expect(await initiator.execute({ cdb: TEST_UNIT_READY })).toMatchObject({ status: 0 });
  }
  expect(logged(gateway.program, LOST)).toEqual([]);
  await Promise.all(restore.map((undo) => undo()));
  await logInAll(gateway.address, 2);
});

test('a stub spreads its connections over workers too, and replaces one that is lost', async () => {
  const gateway = await start();
  const stub = await startStub(opened, certificates, gateway.address, {
    workers: 2,
    admin: { address: '127.0.0.1:0' },
  });
  const where = { portal: stub.address, target, iqn };
  const initiators = [
    await WritingInitiator.logIn(opened, where),
    await WritingInitiator.logIn(opened, where),
  ];
  const loads = await loadAll(initiators);
  const [worker] = logged(stub.program, 'worker started');
  process.kill(worker!.pid!, 'SIGKILL');
  expect(await nextLogged(stub.program, LOST)).toMatchObject({ connections: 1 });
  const survivor = worker!.worker === 1 ? 1 : 0;
  await initiators[1 - survivor]!.ended;
  await loads[survivor]!.progress(50);
  await loads[survivor]!.stop();
  await WritingInitiator.logIn(opened, where);
  for (const load of loads) expect(await load.faultsIn(disk)).toEqual([]);
});
