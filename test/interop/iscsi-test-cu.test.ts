import { mkdir, writeFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { resources, type Resources } from './support/resources.ts';
import { issueCertificates, startGateway, startStub, type GatewaySetup } from './support/sangate.ts';
import { CU_INITIATORS, cuDifferences, cuTable, runTestCu, type CuResult } from './support/testcu.ts';
import { diskFile, Tgtd } from './support/tgtd.ts';

const TARGET = 'iqn.2024-01.test.sangate:judged';
type Policy = Pick<GatewaySetup, 'initiators' | 'guards'>;

const reports = new URL('out/', import.meta.url);

// One run against the bare array is what both ways are held against: it takes as long as either of them.
let raw: CuResult[];

test('iscsi-test-cu runs to its end against the bare array', async () => {
  raw = await judge(bare, (url) => runTestCu([url]));
  // two runs that broke at the same place would be equal too
  expect(raw.filter(({ outcome }) => outcome === 'no result')).toEqual([]);
});

const PLAIN: Policy = { initiators: CU_INITIATORS.map((iqn) => ({ iqn, targets: [TARGET] })) };

// all of it in force, and nothing of it in the way: iscsi-test-cu leaves sessions of tests that failed behind
const GUARDED: Policy = {
  initiators: CU_INITIATORS.map((iqn) => ({
    iqn,
    targets: [{ target: TARGET, luns: [0, 1] }],
    maxSessions: 4,
  })),
  guards: { duplicateInitiators: 'refuse' },
};

for (const { what, policy, file } of [
  { what: 'a plain rule', policy: PLAIN, file: 'iscsi-test-cu.txt' },
  {
    what: 'a rule that masks other LUNs, with all guards on',
    policy: GUARDED,
    file: 'iscsi-test-cu-guarded.txt',
  },
]) {
  test(`every iscsi-test-cu test gives through stub and gateway, under ${what}, the result that it gives against the bare array`, async () => {
    const through = await judge(throughGateway(policy), (url) => runTestCu([url]));
    const table = cuTable(raw, through);
    const differences = cuDifferences(raw, through);
    await mkdir(reports, { recursive: true });
    await writeFile(new URL(file, reports), [table, ...differences, ''].join('\n\n'));
    console.log(table);
    expect(differences).toEqual([]);
  });
}

test('two paths through one gateway behave as two paths to the bare array', async () => {
  const direct = await judge(bare, (url) => runTestCu([url, url], 'ALL.MultipathIO'));
  const through = await judge(throughGateway(PLAIN), (url) => runTestCu([url, url], 'ALL.MultipathIO'));
  console.log(cuTable(direct, through));
  expect(direct.filter(({ outcome }) => outcome === 'passed').length).toBeGreaterThan(0);
  expect(cuDifferences(direct, through)).toEqual([]);
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

function throughGateway(policy: Policy): (opened: Resources, array: string) => Promise<string> {
  return async (opened, array) => {
    const certificates = await issueCertificates(opened);
    const gateway = await startGateway(opened, {
      certificates,
      backends: [{ portals: [array] }],
      ...policy,
    });
    return (await startStub(opened, certificates, gateway.address)).address;
  };
}
