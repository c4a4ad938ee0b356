import { mkdir, writeFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { resources, type Resources } from './support/resources.ts';
import { issueCertificates, startGateway, startStub } from './support/sangate.ts';
import { CU_INITIATORS, cuDifferences, cuTable, runTestCu, type CuResult } from './support/testcu.ts';
import { diskFile, Tgtd } from './support/tgtd.ts';

const TARGET = 'iqn.2024-01.test.sangate:judged';
const report = new URL('out/iscsi-test-cu.txt', import.meta.url);

test('every iscsi-test-cu test gives through stub and gateway the result that it gives against the bare array', async () => {
  const raw = await judge(bare, (url) => runTestCu([url]));
  const through = await judge(throughGateway, (url) => runTestCu([url]));
  const table = cuTable(raw, through);
  const differences = cuDifferences(raw, through);
  await mkdir(new URL('.', report), { recursive: true });
  await writeFile(report, [table, ...differences, ''].join('\n\n'));
  console.log(table);
  // a baseline that ran to its end: two runs that broke at the same place would be equal too
  expect(raw.filter(({ outcome }) => outcome === 'no result')).toEqual([]);
  expect(differences).toEqual([]);
});

test('two paths through one gateway behave as two paths to the bare array', async () => {
  const raw = await judge(bare, (url) => runTestCu([url, url], 'ALL.MultipathIO'));
  const through = await judge(throughGateway, (url) => runTestCu([url, url], 'ALL.MultipathIO'));
  console.log(cuTable(raw, through));
  expect(raw.filter(({ outcome }) => outcome === 'passed').length).toBeGreaterThan(0);
  expect(cuDifferences(raw, through)).toEqual([]);
});

/** The results against a fresh array with a fresh disk, by way of `way`. */
async function judge(
  way: (opened: Resources, array: string) => Promise<string>,
  run: (url: string) => Promise<CuResult[]>,
): Promise<CuResult[]> {
  const opened = resources(onTestFinished);
  const tgtd = await Tgtd.start(opened);
  const disk = await diskFile(await opened.directory(), 'disk.img', 100);
  await tgtd.addTarget(TARGET, { luns: { 1: disk } });
  const results = await run(`iscsi://${await way(opened, tgtd.portal)}/${TARGET}/1`);
  await opened.release();
  return results;
}

async function bare(_opened: Resources, array: string): Promise<string> {
  return array;
}

async function throughGateway(opened: Resources, array: string): Promise<string> {
  const certificates = await issueCertificates(opened);
  const gateway = await startGateway(opened, {
    certificates,
    backends: [{ portals: [array] }],
    initiators: CU_INITIATORS.map((iqn) => ({ iqn, targets: [TARGET] })),
  });
  return (await startStub(opened, certificates, gateway.address)).address;
}
