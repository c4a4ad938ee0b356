import { afterAll, beforeAll, expect, test } from 'vitest';
import { iscsiInq, iscsiLs } from './support/libiscsi.ts';
import { run } from './support/process.ts';
import { qemuImage, sha256, writeRandom } from './support/qemu.ts';
import { resources } from './support/resources.ts';
import { issueCertificates, startGateway, startStub } from './support/sangate.ts';
import { Tgtd } from './support/tgtd.ts';
import { WritingInitiator } from './support/writingInitiator.ts';

const target = 'iqn.2024-01.test.sangate:shared';
/** Sees LUN 1 alone, not even tgtd's controller at LUN 0. */
const one = 'iqn.2024-01.test.sangate:one';
const two = 'iqn.2024-01.test.sangate:two';
const all = 'iqn.2024-01.test.sangate:all';
const REPORT_LUNS = 'a0 00 02 000000 000000ff 00 00';
const TEST_UNIT_READY = '00 00 00 00 00 00';
const READ_10 = '28 00 00000000 00 0001 00';
const WRITE_10 = '2a 00 00000000 00 0001 00';

const opened = resources(afterAll);
let portal: string;
let disks: string[];

beforeAll(async () => {
  const directory = await opened.directory();
  disks = [1, 2, 3].map((lun) => `${directory}/disk${lun}.img`);
  for (const disk of disks) await writeRandom(disk, 1);
  const tgtd = await Tgtd.start(opened);
  await tgtd.addTarget(target, { luns: { 1: disks[0]!, 2: disks[1]!, 3: disks[2]! } });
  const certificates = await issueCertificates(opened);
  const gateway = await startGateway(opened, {
    certificates,
    backends: [{ portals: [tgtd.portal] }],
    initiators: [
      { iqn: one, targets: [{ target, luns: [1] }] },
      { iqn: two, targets: [{ target, luns: [0, 3] }] },
      { iqn: all, targets: [target] },
    ],
  });
  portal = (await startStub(opened, certificates, gateway.address)).address;
});

test('iscsi-ls shows the LUNs of the rule and no other', async () => {
  expect(await lunsShownTo(one)).toEqual(['1']);
  expect(await lunsShownTo(two)).toEqual(['0', '3']);
  expect(await lunsShownTo(all)).toEqual(['0', '1', '2', '3']);
});

test('iscsi-inq says of a masked LUN what it says of one that the array does not have', async () => {
  const notThere = await inquired(all, 4);
  expect(notThere).toContain('LOGICAL_UNIT_NOT_SUPPORTED(0x2500)');
  for (const lun of [0, 2, 3, 4]) expect(await inquired(one, lun)).toBe(notThere);
  expect(await inquired(one, 1)).toBe(await inquired(all, 1));
});

test('a masked LUN answers as one that is not there, and stays as it is', async () => {
  const before = await Promise.all(disks.map(sha256));
  const initiator = await WritingInitiator.logIn(opened, { portal, target, iqn: one });
  for (const lun of [0, 2, 3, 4]) {
    const inquiry = await initiator.execute({ lun, cdb: hex('12 00 00 0024 00'), readLength: 36 });
    expect({ status: inquiry.status, first: inquiry.data[0] }).toEqual({ status: 0, first: 0x7f });
    const notThere = { status: 2, sense: '05/25/00' };
    expect(await initiator.execute({ lun, cdb: hex(TEST_UNIT_READY) })).toMatchObject(notThere);
    expect(await initiator.execute({ lun, cdb: hex(READ_10), readLength: 512 })).toMatchObject({
      ...notThere,
      residual: 512,
    });
    for (const path of ['immediate', 'solicited'] as const) {
      const write = { lun, cdb: hex(WRITE_10), dataOut: Buffer.alloc(512, 0xc3), path };
      expect(await initiator.execute(write)).toMatchObject({ ...notThere, residual: 512 });
    }
  }
  expect(await initiator.execute({ cdb: hex(READ_10), readLength: 512 })).toMatchObject({ status: 0 });
  expect(await Promise.all(disks.map(sha256))).toEqual(before);
});

test('REPORT LUNS lists the LUNs of the rule, and at a hidden LUN answers as where nothing is', async () => {
  const initiator = await WritingInitiator.logIn(opened, { portal, target, iqn: one });
  const ask = { cdb: hex(REPORT_LUNS), readLength: 255 };
  expect(await initiator.execute({ ...ask, lun: 2 })).toMatchObject({ status: 2, sense: '05/25/00' });
  for (const lun of [0, 1]) {
    const { status, residual, data } = await initiator.execute({ ...ask, lun });
    expect(status).toBe(0);
    expect(residual).toBe(data.length - 16);
    expect(data.subarray(0, 16).toString('hex')).toBe('00000008000000000001000000000000');
  }
});

test('qemu opens the LUN of the rule and no other', async () => {
  expect(await qemuReads(1)).toContain('read 1048576/1048576');
  expect(await qemuReads(2)).toContain('LOGICAL_UNIT_NOT_SUPPORTED');
});

/** What iscsi-ls lists. */
async function lunsShownTo(iqn: string): Promise<string[]> {
  const { stdout } = await iscsiLs({ portal, iqn });
  return [...stdout.matchAll(/Lun:(\d+)/g)].map(([, lun]) => lun!);
}

/** What iscsi-inq says. */
async function inquired(iqn: string, lun: number): Promise<string> {
  const { stdout, stderr } = await iscsiInq({ portal, iqn }, target, lun);
  return stdout + stderr;
}

/** What qemu-io says when it opens the LUN and reads all of it. */
async function qemuReads(lun: number): Promise<string> {
  const image = qemuImage({ portal, target, iqn: one, lun });
  const { stdout, stderr } = await run('qemu-io', ['-r', '--image-opts', image, '-c', 'read 0 1M']);
  return stdout + stderr;
}

function hex(digits: string): Buffer {
  return Buffer.from(digits.replaceAll(' ', ''), 'hex');
}
