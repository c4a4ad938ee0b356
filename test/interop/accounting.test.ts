import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDelayingRelay } from './support/delayingRelay.ts';
import { runOk } from './support/process.ts';
import { MEBIBYTE, qemuImage } from './support/qemu.ts';
import { resources } from './support/resources.ts';
import { issueCertificates, startGateway, startStub, type RunningGateway } from './support/sangate.ts';
import { diskFile, Tgtd } from './support/tgtd.ts';

const iqn = 'iqn.2024-01.test.sangate:vm1';
const target = 'iqn.2024-01.test.sangate:accounted';
const DELAY_MS = 20;
const COMMANDS = 50;

const opened = resources(afterAll);
let gateway: RunningGateway;
/** Its array is far away. */
let farGateway: RunningGateway;
let stub: string;
let farStub: string;

beforeAll(async () => {
  const tgtd = await Tgtd.start(opened);
  const disk = await diskFile(await opened.directory(), 'disk.img', 64);
  // So that each write is asked for: without unsolicited data, whatever it is.
  const parameters = { InitialR2T: 'Yes', ImmediateData: 'No' };
  await tgtd.addTarget(target, { luns: { 1: disk }, parameters });
  const certificates = await issueCertificates(opened);
  const start = (portal: string): Promise<RunningGateway> =>
    startGateway(opened, {
      certificates,
      backends: [{ portals: [portal] }],
      initiators: [{ iqn, targets: [target] }],
    });
  gateway = await start(tgtd.portal);
  farGateway = await start(await startDelayingRelay(opened, tgtd.portal, () => DELAY_MS));
  stub = (await startStub(opened, certificates, gateway.address)).address;
  farStub = (await startStub(opened, certificates, farGateway.address)).address;
});

/** Has qemu-io do this with LUN 1, one after the other. */
async function io(portal: string, commands: readonly string[]): Promise<void> {
  const image = qemuImage({ portal, target, iqn });
  await runOk('qemu-io', ['--image-opts', image, ...commands.flatMap((command) => ['-c', command])]);
}

const reads = Array.from({ length: COMMANDS }, (_, i) => `read ${i * 64}k 4k`);
const writes = Array.from({ length: COMMANDS }, (_, i) => `write ${i * 64}k 64k`);

async function scrape({ admin }: RunningGateway): Promise<string> {
  return (await fetch(`http://${admin}/metrics`)).text();
}

/** A reading of LUN 1's series of one class, by the part of their name behind `sangate_`. */
async function reading(of: RunningGateway, ioClass: string): Promise<(name: string) => number> {
  const text = await scrape(of);
  const labels = `initiator="db1",target="${target}",lun="1"`;
  return (name) => {
    const all = text.split('\n').filter((line) => line.startsWith(`sangate_${name}{${labels}`));
    const lines = all.length === 1 ? all : all.filter((line) => line.includes(`class="${ioClass}"`));
    return lines.length === 0 ? 0 : Number(lines[0]!.split(' ').at(-1));
  };
}

/** Mean times of the commands that this makes, in ms. */
async function means(of: RunningGateway, ioClass: string, work: () => Promise<void>) {
  const before = await reading(of, ioClass);
  await work();
  const after = await reading(of, ioClass);
  const grown = (name: string): number => after(name) - before(name);
  const count = grown('command_duration_seconds_count');
  expect(count).toBe(COMMANDS);
  return {
    all: (1000 * grown('command_duration_seconds_sum')) / count,
    array: (1000 * grown('command_target_duration_seconds_sum')) / count,
    initiator: (1000 * grown('command_initiator_wait_seconds_total')) / count,
    r2ts: grown('r2t_total') / count,
  };
}

test('commands and bytes are those that qemu-io sent', async () => {
  const [readsBefore, writesBefore] = [await reading(gateway, 'read'), await reading(gateway, 'write')];
  await io(stub, [...reads, ...writes, 'write 8M 4M', 'read 8M 4M']);
  const [readsAfter, writesAfter] = [await reading(gateway, 'read'), await reading(gateway, 'write')];
  const bytes = 'command_bytes_total';
  expect(readsAfter(bytes) - readsBefore(bytes)).toBe(COMMANDS * 4096 + 4 * MEBIBYTE);
  expect(writesAfter(bytes) - writesBefore(bytes)).toBe(COMMANDS * 65_536 + 4 * MEBIBYTE);
  expect(readsAfter('commands_total') - readsBefore('commands_total')).toBeGreaterThanOrEqual(COMMANDS + 1);
  expect(readsAfter('commands_in_flight') + writesAfter('commands_in_flight')).toBe(0);
});

test(`an array that is ${DELAY_MS} ms away has ${DELAY_MS} ms more, and nobody else has`, async () => {
  const near = await means(gateway, 'read', () => io(stub, reads));
  const far = await means(farGateway, 'read', () => io(farStub, reads));
  expect(Math.abs(far.array - near.array - DELAY_MS), JSON.stringify({ near, far })).toBeLessThan(2);
  expect(far.all - far.array).toBeLessThan(2);
});

test(`an initiator that is ${DELAY_MS} ms away takes nothing of the array's share`, async () => {
  const near = await means(gateway, 'write', () => io(stub, writes));
  const farAway = await startDelayingRelay(opened, stub, () => DELAY_MS);
  const far = await means(gateway, 'write', () => io(farAway, writes));
  const both = JSON.stringify({ near, far });
  expect(far.r2ts, both).toBeGreaterThanOrEqual(1);
  expect(Math.abs(far.array - near.array), both).toBeLessThan(2);
  expect(Math.abs(far.initiator - near.initiator - DELAY_MS * far.r2ts), both).toBeLessThan(2 * far.r2ts);
});

test('Prometheus finds no fault with the metrics', async () => {
  const file = path.join(await opened.directory(), 'metrics');
  writeFileSync(file, await scrape(gateway));
  expect(await runOk('sh', ['-c', 'promtool check metrics < "$0" 2>&1', file])).toBe('');
});
