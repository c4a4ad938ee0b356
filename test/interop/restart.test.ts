import { open } from 'node:fs/promises';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { iscsiInq } from './support/libiscsi.ts';
import { Program, runOk } from './support/process.ts';
import { MEBIBYTE, qemuImage } from './support/qemu.ts';
import { resources, type Resources } from './support/resources.ts';
import { issueCertificates, startGateway, startStub } from './support/sangate.ts';
import { diskFile, Tgtd } from './support/tgtd.ts';

const iqn = 'iqn.2024-01.test.sangate:db1';
const target = 'iqn.2024-01.test.sangate:restarted';

let opened: Resources;
let tgtd: Tgtd;
let disk: string;
let portal: string;
let gateway: Program;

beforeEach(async () => {
  opened = resources(onTestFinished);
  disk = await diskFile(await opened.directory(), 'disk.img', 16);
  tgtd = await Tgtd.start(opened);
  await tgtd.addTarget(target, { luns: { 1: disk } });
  const certificates = await issueCertificates(opened);
  const started = await startGateway(opened, {
    certificates,
    backends: [{ portals: [tgtd.portal] }],
    initiators: [{ iqn, targets: [target] }],
  });
  gateway = started.program;
  portal = (await startStub(opened, certificates, started.address)).address;
});

test('while the array is down a login is told to retry, and the next one after its restart is let in', async () => {
  await runOk('qemu-io', ['--image-opts', image(), '-c', 'write -P 0x11 0 1M']);

  await tgtd.kill();
  const down = await iscsiInq({ portal, iqn }, target);
  expect(down.stdout + down.stderr).toContain('Service unavailable(769)');

  await restart();
  const up = await iscsiInq({ portal, iqn }, target);
  expect(up.stdout).toContain('Peripheral Device Type:DIRECT_ACCESS');
  expect(await runOk('qemu-io', ['--image-opts', image(), '-c', 'read -P 0x11 0 1M'])).not.toContain(
    'failed',
  );
});

test('an initiator whose session broke with the array logs in again, and no acknowledged write is lost', async () => {
  const qemu = new Program(opened, 'qemu-io', ['--image-opts', image()]);
  qemu.type('write -P 0x22 1M 1M');
  await said(qemu, 'wrote 1048576/1048576', 0);

  await tgtd.kill();
  const since = qemu.lines.length;
  qemu.type('write -P 0x33 2M 1M');
  await said(gateway, 'backend_down', 0);
  expect(qemu.lines.slice(since)).toEqual([]);

  await restart();
  await said(qemu, 'wrote 1048576/1048576', since);
  expect(await filledWith(0x22, 1)).toBe(true);
  expect(await filledWith(0x33, 2)).toBe(true);
});

async function restart(): Promise<void> {
  tgtd = await Tgtd.start(opened, tgtd.port);
  await tgtd.addTarget(target, { luns: { 1: disk } });
}

async function said(program: Program, words: string, since: number): Promise<void> {
  await program.find((line) => line.includes(words) || undefined, { what: words, since, seconds: 60 });
}

function image(): string {
  return qemuImage({ portal, target, iqn });
}

/** Whether one MiB of the backing file, counted from 0, has this byte all over. */
async function filledWith(byte: number, mebibyte: number): Promise<boolean> {
  const handle = await open(disk);
  const { buffer } = await handle.read(Buffer.alloc(MEBIBYTE), 0, MEBIBYTE, mebibyte * MEBIBYTE);
  await handle.close();
  return buffer.every((value) => value === byte);
}
