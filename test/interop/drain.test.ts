import { once } from 'node:events';
import { connect } from 'node:net';
import path from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { logged, nextLogged } from './support/log.ts';
import { Program } from './support/process.ts';
import { MEBIBYTE, qemuImage, sha256, writeRandom } from './support/qemu.ts';
import { resources, type Resources } from './support/resources.ts';
import {
  issueCertificates,
  startGateway,
  startStub,
  type Certificates,
  type RunningGateway,
} from './support/sangate.ts';
import { diskFile, Tgtd } from './support/tgtd.ts';
import { tunnelDialler } from './support/tunnel.ts';
import { SHARE_BYTES, VerifiedLoad } from './support/verifiedLoad.ts';
import { EVERY_PATH } from './support/openSession.ts';
import { WritingInitiator } from './support/writingInitiator.ts';

const iqn = 'iqn.2024-01.test.sangate:db1';
const target = 'iqn.2024-01.test.sangate:drained';
/** Large enough that the gateway can be stopped in the midst of it. */
const IMAGE_MEBIBYTES = 192;
const TIMEOUT_MS = 120_000;
const DRAINING = 'draining: initiators are asked to log out';

let opened: Resources;
let certificates: Certificates;
let tgtd: Tgtd;
let disk: string;
let source: string;

beforeEach(async () => {
  opened = resources(onTestFinished);
  const directory = await opened.directory();
  source = path.join(directory, 'source.img');
  disk = await diskFile(directory, 'disk.img', Math.max(IMAGE_MEBIBYTES, SHARE_BYTES / MEBIBYTE));
  tgtd = await Tgtd.start(opened);
  await tgtd.addTarget(target, { luns: { 1: disk }, parameters: EVERY_PATH });
  certificates = await issueCertificates(opened);
});

test(
  'qemu-img writes on when a gateway that was stopped in the midst is back, and no acknowledged write is lost',
  async () => {
    const first = await gatewayThatDrains(600);
    const stub = await startStub(opened, certificates, first.address);
    await writeRandom(source, IMAGE_MEBIBYTES);
    const image = qemuImage({ portal: stub.address, target, iqn });
    // 16 writes under way at any time, in any order; none that was acknowledged is done again
    const how = ['convert', '-p', '-n', '-W', '-m', '16', '-f', 'raw', '--target-image-opts'];
    const copying = new Program(opened, 'qemu-img', [...how, source, image]);
    await progress(copying, 15);

    // long before its time: libiscsi logs out when it is asked to, and connects again
    expect(await stopped(first.program)).toBe(0);
    expect(logged(first.program, 'session ended')).toMatchObject([{ reason: 'shutting_down' }]);
    expect(copying.lines.join()).not.toContain('(100.00/100%)');

    const second = await gatewayThatDrains(600, first.address);
    expect(await copying.exited(120)).toBe(0);
    expect(logged(second.program, 'login allowed').length).toBeGreaterThan(0);
    expect(await sha256(disk)).toBe(await sha256(source));
  },
  TIMEOUT_MS,
);

test(
  'a gateway that drains is not ready, takes no connection, serves its sessions, and stops with the last of them',
  async () => {
    const gateway = await gatewayThatDrains(600);
    const { initiator, load } = await loadThrough(gateway);
    expect(await readiness(gateway)).toBe(200);

    const exit = stopped(gateway.program);
    expect(await initiator.logoutAsked).toBe(true);
    expect(await readiness(gateway)).toBe(503);
    await expect(connected(gateway.address)).rejects.toThrow('ECONNREFUSED');
    await load.progress(50);
    await load.stop();
    await initiator.logOut();
    expect(await exit).toBe(0);
    expect(logged(gateway.program, 'session ended')).toMatchObject([{ reason: 'shutting_down' }]);
    expect(await load.faultsIn(disk)).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  'a gateway waits no longer than its drainSeconds for an initiator that stays',
  async () => {
    const gateway = await gatewayThatDrains(1);
    const { initiator, load } = await loadThrough(gateway);

    const exit = stopped(gateway.program);
    expect(await initiator.logoutAsked).toBe(true);
    await load.progress(50);
    expect(await exit).toBe(0);
    await expect(load.stop()).rejects.toThrow('the target closed the connection');
    const ended = { by: 'gateway', reason: 'shutting_down' };
    expect(logged(gateway.program, 'session ended')).toMatchObject([ended]);
    expect(await load.faultsIn(disk)).toEqual([]);
  },
  TIMEOUT_MS,
);

async function gatewayThatDrains(drainSeconds: number, address?: string): Promise<RunningGateway> {
  return startGateway(opened, {
    certificates,
    backends: [{ portals: [tgtd.portal] }],
    initiators: [{ iqn, targets: [target] }],
    limits: { drainSeconds },
    ...(address !== undefined && { address }),
  });
}

async function loadThrough({
  address,
}: RunningGateway): Promise<{ initiator: WritingInitiator; load: VerifiedLoad }> {
  const where = { portal: address, target, iqn, headerDigest: 'crc32c' } as const;
  const initiator = await WritingInitiator.logIn(opened, where, tunnelDialler(certificates));
  const load = new VerifiedLoad(initiator, 0);
  load.start();
  await load.progress(50);
  return { initiator, load };
}

/** Waits until qemu-img has so many percent behind it. */
async function progress(copying: Program, percent: number): Promise<void> {
  const match = (line: string) => Number(/\((\d+\.\d+)\/100%\)/.exec(line)?.[1] ?? 0) >= percent || undefined;
  await copying.find(match, { what: `${percent} %` });
}

/** Sends SIGTERM and waits for the end. @returns the exit code */
async function stopped(program: Program): Promise<number | null> {
  const at = performance.now();
  program.signal('SIGTERM');
  expect(await nextLogged(program, DRAINING)).toMatchObject({ sessions: 1 });
  const code = await program.exited();
  console.log(`ended ${((performance.now() - at) / 1000).toFixed(2)} s after SIGTERM`);
  return code;
}

async function readiness({ admin }: RunningGateway): Promise<number> {
  const { status } = await fetch(`http://${admin}/readyz`, { headers: { connection: 'close' } });
  return status;
}

async function connected(address: string): Promise<void> {
  const { hostname: host, port } = new URL(`tcp://${address}`);
  const socket = connect({ host, port: Number(port) });
  opened.defer(() => void socket.destroy());
  await once(socket, 'connect');
}
