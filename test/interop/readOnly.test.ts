import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { iscsiInq } from './support/libiscsi.ts';
import { run, runOk } from './support/process.ts';
import { MEBIBYTE, qemuImage, sha256, writeRandom } from './support/qemu.ts';
import { resources } from './support/resources.ts';
import { issueCertificates, startGateway, startStub } from './support/sangate.ts';
import { CU_INITIATORS, runTestCu } from './support/testcu.ts';
import { diskFile, Tgtd } from './support/tgtd.ts';
import { sized, WRITE_COMMANDS, type WriteCommand } from './support/writeCommands.ts';
import { WIDE_OPEN } from './support/openSession.ts';
import {
  DATA_PATHS,
  TEST_UNIT_READY,
  WritingInitiator,
  type ScsiCommand,
} from './support/writingInitiator.ts';

const target = 'iqn.2024-01.test.sangate:archive';
// The same disk, for data of any length by any path. A target of its own, because libiscsi repeats all its keys at a target that
// declares a MaxRecvDataSegmentLength, which the gateway takes for a second negotiation (RFC 7143 §6.3).
const wideTarget = 'iqn.2024-01.test.sangate:archive-wide';
const reader = 'iqn.2024-01.test.sangate:reader';
const writer = 'iqn.2024-01.test.sangate:writer';
const MEBIBYTES = 8;
const BLOCK = 512;
const SIZES = [BLOCK, 64 * 1024, MEBIBYTE];
const READ_BLOCKS = 128;
const HEADER_DIGESTS = ['none', 'crc32c'] as const;
const GOOD = { status: 0, sense: '' };
const WRITE_PROTECTED = { status: 2, sense: '07/27/00' };

const opened = resources(afterAll);
let array: string;
let portal: string;
/** What only the reader uses: filled with random bytes, LUN 1. */
let disk: string;
let content: Buffer;
let sum: string;

beforeAll(async () => {
  const directory = await opened.directory();
  disk = path.join(directory, 'disk.img');
  await writeRandom(disk, MEBIBYTES);
  sum = await sha256(disk);
  content = await readFile(disk);
  const scratch = await diskFile(directory, 'scratch.img', MEBIBYTES);
  const tgtd = await Tgtd.start(opened);
  await tgtd.addTarget(target, { luns: { 1: disk } });
  await tgtd.addTarget(wideTarget, {
    luns: { 1: disk, 2: scratch },
    parameters: { ...WIDE_OPEN, HeaderDigest: 'CRC32C' },
    thinProvisioning: true,
  });
  array = tgtd.portal;
  const certificates = await issueCertificates(opened);
  const readOnly = { target: `${target}*`, mode: 'read-only' } as const;
  const gateway = await startGateway(opened, {
    certificates,
    backends: [{ portals: [array] }],
    initiators: [
      { iqn: writer, targets: [`${target}*`] },
      ...[reader, ...CU_INITIATORS].map((iqn) => ({ iqn, targets: [readOnly] })),
    ],
  });
  portal = (await startStub(opened, certificates, gateway.address)).address;
});

// Of this the other tests are worth as much as they are: the initiator can write by every path if it may.
for (const headerDigest of HEADER_DIGESTS) {
  test(`a read-write rule lets data of every size through by every path, with header digest ${headerDigest}`, async () => {
    const initiator = await WritingInitiator.logIn(opened, {
      portal,
      target: wideTarget,
      iqn: writer,
      lun: 2,
      headerDigest,
    });
    expect(initiator.parameters.digests.header).toBe(headerDigest === 'crc32c');
    const write10 = WRITE_COMMANDS.find(({ name }) => name === 'WRITE (10)')!;
    for (const [index, { path, dataOut, cdb }] of everyWay(write10).entries()) {
      dataOut.fill(index + 1);
      expect(await initiator.execute({ cdb, lun: 2, dataOut, path })).toMatchObject(GOOD);
      const { data } = await initiator.execute({ ...read(0, dataOut.length / BLOCK), lun: 2 });
      expect(data.equals(dataOut)).toBe(true);
    }
  });
}

test('every command that changes something, also one that the array does not know, gets DATA PROTECT', async () => {
  const initiator = await WritingInitiator.logIn(opened, { portal, target: wideTarget, iqn: reader });
  const answers: Record<string, unknown> = {};
  const expected: Record<string, unknown> = {};
  for (const { name, cdb, parameters } of WRITE_COMMANDS) {
    const { status, sense, residual } = await initiator.execute({
      cdb,
      ...(parameters && { dataOut: parameters, path: 'immediate' }),
    });
    answers[name] = { status, sense, residual };
    expected[name] = { ...WRITE_PROTECTED, residual: parameters?.length ?? 0 };
  }
  expect(answers).toEqual(expected);
  await expectUnharmed(initiator);
});

for (const headerDigest of HEADER_DIGESTS) {
  for (const depth of [1, 32]) {
    test(`what the array would carry out gets DATA PROTECT amid reads, by every path and in every size, at depth ${depth} with header digest ${headerDigest}`, async () => {
      const initiator = await WritingInitiator.logIn(opened, {
        portal,
        target: wideTarget,
        iqn: reader,
        headerDigest,
      });
      const commands: ScsiCommand[] = [];
      for (const write of (await acceptedByArray()).flatMap(everyWay)) {
        const lba = ((commands.length * 7) % (MEBIBYTES * 16)) * READ_BLOCKS;
        commands.push(write, read(lba, READ_BLOCKS));
      }
      const answers = await initiator.executeAll(commands, depth);
      for (const [index, { status, sense, residual, data }] of answers.entries()) {
        const { cdb, dataOut } = commands[index]!;
        if (dataOut !== undefined) {
          expect({ status, sense, residual }).toEqual({ ...WRITE_PROTECTED, residual: dataOut.length });
        } else {
          const at = cdb.readUInt32BE(2) * BLOCK;
          expect({ status, sense }).toEqual(GOOD);
          expect(data.equals(content.subarray(at, at + data.length))).toBe(true);
        }
      }
      await expectUnharmed(initiator);
    });
  }
}

test('MODE SENSE says that the disk is write-protected to whom the rule makes read-only, and to nobody else', async () => {
  expect(await writeProtectedFor(reader)).toEqual([true, true]);
  expect(await writeProtectedFor(writer)).toEqual([false, false]);
});

test('the ReadOnly suite of iscsi-test-cu passes', async () => {
  const results = await runTestCu([`iscsi://${portal}/${target}/1`], 'ALL.ReadOnly');
  expect(results.map(({ name, outcome }) => ({ name, outcome }))).toEqual([
    { name: 'ALL.ReadOnly.ReadOnlySBC', outcome: 'passed' },
  ]);
  expect(results[0]!.transcript).not.toContain('[FAILED]');
  expect(await sha256(disk)).toBe(sum);
});

test('iscsi-inq sees the disk as it is', async () => {
  const { stdout } = await iscsiInq({ portal, iqn: reader }, target);
  expect(stdout).toContain('Peripheral Qualifier:CONNECTED');
  expect(stdout).toContain('Peripheral Device Type:DIRECT_ACCESS');
});

test('qemu-io reads the disk, and is told why it may not open it for writing', async () => {
  const image = qemuImage({ portal, target, iqn: reader });
  const out = path.join(await opened.directory(), 'copy.img');
  await runOk('qemu-img', ['convert', '-O', 'raw', '--image-opts', image, out]);
  expect(await sha256(out)).toBe(sum);
  expect(await runOk('qemu-io', ['-r', '--image-opts', image, '-c', 'read 0 1M'])).toContain(
    'read 1048576/1048576',
  );

  const { stdout, stderr } = await run('qemu-io', ['--image-opts', image, '-c', 'write -P 0x11 0 1M']);
  expect(stdout + stderr).toContain('write protected');
  expect(await sha256(disk)).toBe(sum);
});

/** The command with data of every size, sent every way. */
function everyWay(command: WriteCommand): Required<Pick<ScsiCommand, 'cdb' | 'dataOut' | 'path'>>[] {
  return SIZES.flatMap((size) =>
    DATA_PATHS.map((path) => ({ cdb: sized(command, size), dataOut: Buffer.alloc(size, 0xc3), path })),
  );
}

/** The commands that tgtd knows: probed on an array of its own, because it does carry them out. */
let accepted: Promise<WriteCommand[]> | undefined;
function acceptedByArray(): Promise<WriteCommand[]> {
  return (accepted ??= probe());
}

async function probe(): Promise<WriteCommand[]> {
  const tgtd = await Tgtd.start(opened);
  const scratch = await diskFile(await opened.directory(), 'probed.img', MEBIBYTES);
  await tgtd.addTarget(wideTarget, { luns: { 1: scratch }, parameters: WIDE_OPEN, thinProvisioning: true });
  const initiator = await WritingInitiator.logIn(opened, {
    portal: tgtd.portal,
    target: wideTarget,
    iqn: writer,
  });
  const known: WriteCommand[] = [];
  for (const command of WRITE_COMMANDS) {
    const { cdb, parameters } = command;
    const { sense } = await initiator.execute({
      cdb,
      ...(parameters && { dataOut: parameters, path: 'immediate' }),
    });
    if (sense !== '05/20/00') known.push(command);
  }
  console.log(`tgtd carries out: ${known.map(({ name }) => name).join(', ')}`);
  expect(known.length).toBeGreaterThan(15);
  return known;
}

/** The WP bit in the answers to MODE SENSE (6) and (10). */
async function writeProtectedFor(iqn: string): Promise<boolean[]> {
  const initiator = await WritingInitiator.logIn(opened, { portal, target: wideTarget, iqn });
  const six = await initiator.execute({ cdb: Buffer.from([0x1a, 0, 0x3f, 0, 255, 0]), readLength: 255 });
  const ten = await initiator.execute({
    cdb: Buffer.from([0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 255, 0]),
    readLength: 255,
  });
  expect([six.status, ten.status]).toEqual([0, 0]);
  return [six.data[2]! >= 0x80, ten.data[3]! >= 0x80];
}

function read(lba: number, blocks: number): ScsiCommand {
  const cdb = Buffer.alloc(10);
  cdb[0] = 0x28;
  cdb.writeUInt32BE(lba, 2);
  cdb.writeUInt16BE(blocks, 7);
  return { cdb, readLength: blocks * BLOCK };
}

/** The session goes on, nothing on the disk is other than before, and nobody holds it. */
async function expectUnharmed(initiator: WritingInitiator): Promise<void> {
  const { status, data } = await initiator.execute(read(0, READ_BLOCKS));
  expect(status).toBe(0);
  expect(data.equals(content.subarray(0, data.length))).toBe(true);
  expect(await sha256(disk)).toBe(sum);
  const other = await WritingInitiator.logIn(opened, { portal: array, target: wideTarget, iqn: writer });
  expect(await other.execute({ cdb: TEST_UNIT_READY })).toMatchObject(GOOD);
}
