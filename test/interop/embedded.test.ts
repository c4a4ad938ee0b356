import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { iscsiLs } from './support/libiscsi.ts';
import { MEBIBYTE, roundTrip } from './support/qemu.ts';
import { resources } from './support/resources.ts';
import { startTarget } from './support/sangate.ts';
import { CU_INITIATORS, cuTable, runTestCu } from './support/testcu.ts';

const TARGET = 'iqn.2024-01.test.sangate:embedded';
const report = new URL('out/iscsi-test-cu-embedded.txt', import.meta.url);

/** The program asks for 256 blocks in a CDB field of one byte, so for none, and then wonders that none were compared. */
const WRONG_IN_THE_PROGRAM = ['ALL', 'SCSI', 'LINUX'].flatMap((family) => [
  `${family}.CompareAndWrite.Simple`,
  `${family}.CompareAndWrite.Miscompare`,
]);

test('the embedded target passes every test of iscsi-test-cu but those that are wrong in the program', async () => {
  const target = await startTarget(resources(onTestFinished), ['--memory', '1G', '--name', TARGET]);
  const results = await runTestCu([`iscsi://${target.address}/${TARGET}/0`]);
  const table = cuTable(results, results);
  await mkdir(new URL('.', report), { recursive: true });
  await writeFile(report, `${table}\n`);
  const bad = results.filter(({ outcome }) => outcome === 'failed' || outcome === 'no result');
  expect(bad.map(({ name }) => name).sort()).toEqual(WRONG_IN_THE_PROGRAM.sort());
});

test('an image of 64 MiB in a file comes back equal, with header digests', async () => {
  const opened = resources(onTestFinished);
  const file = path.join(await opened.directory(), 'disk.img');
  const target = await startTarget(opened, ['--file', file, '--create', '64M', '--name', TARGET]);
  const [iqn] = CU_INITIATORS;
  const disk = { portal: target.address, target: TARGET, iqn, lun: 0, headerDigest: 'crc32c' } as const;
  const { sent, back } = await roundTrip(opened, disk, 64);
  expect(back).toBe(sent);
});

test('iscsi-ls finds the embedded target and its disk', async () => {
  const target = await startTarget(resources(onTestFinished), [
    '--memory',
    `${16 * MEBIBYTE}`,
    '--name',
    TARGET,
  ]);
  const { code, stdout, stderr } = await iscsiLs({ portal: target.address, iqn: CU_INITIATORS[0] });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.replace(/\s+/g, ' ')),
  ).toEqual([`Target:${TARGET} Portal:${target.address},1`, 'Lun:0 Type:DIRECT_ACCESS (Size:15M)']);
});
