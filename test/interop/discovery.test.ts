import { afterAll, expect, test } from 'vitest';
import { iscsiLs } from './support/libiscsi.ts';
import { resources } from './support/resources.ts';
import { issueCertificates, startGateway, startStub } from './support/sangate.ts';
import { diskFile, Tgtd } from './support/tgtd.ts';

const iqn = 'iqn.2024-01.test.sangate:db1';
const opened = resources(afterAll);

test('iscsi-ls shows only the targets that the initiator may use, at the address of the stub', async () => {
  const tgtd = await Tgtd.start(opened);
  const directory = await opened.directory();
  for (const name of ['shown', 'hidden', 'also-shown']) {
    const disk = await diskFile(directory, `${name}.img`, 16);
    await tgtd.addTarget(`iqn.2024-01.test.sangate:${name}`, { luns: { 1: disk } });
  }
  const certificates = await issueCertificates(opened);
  const gateway = await startGateway(opened, {
    certificates,
    backends: [{ portals: [tgtd.portal] }],
    initiators: [{ iqn, targets: ['iqn.2024-01.test.sangate:*shown'] }],
  });
  const stub = await startStub(opened, certificates, gateway.address);

  const { code, stdout, stderr } = await iscsiLs({ portal: stub.address, iqn });

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' '));
  const luns = ['Lun:0 Type:STORAGE_ARRAY_CONTROLLER', 'Lun:1 Type:DIRECT_ACCESS (Size:15M)'];
  const target = (name: string): string => `Target:iqn.2024-01.test.sangate:${name} Portal:${stub.address},1`;
  expect(lines.filter((line) => line.startsWith('Target:')).sort()).toEqual([
    target('also-shown'),
    target('shown'),
  ]);
  expect(lines.filter((line) => line.startsWith('Lun:'))).toEqual([...luns, ...luns]);
});
