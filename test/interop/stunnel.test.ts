import { afterAll, expect, test } from 'vitest';
import { issueEcCertificates } from './support/openssl.ts';
import { roundTrip } from './support/qemu.ts';
import { resources } from './support/resources.ts';
import { startGateway } from './support/sangate.ts';
import { startStunnel } from './support/stunnel.ts';
import { diskFile, Tgtd } from './support/tgtd.ts';

const iqn = 'iqn.2024-01.test.sangate:vm1';
const target = 'iqn.2024-01.test.sangate:image';
const MEBIBYTES = 256;

const opened = resources(afterAll);

test('stunnel works in the place of the stub, with EC certificates made by openssl', async () => {
  const tgtd = await Tgtd.start(opened);
  const disk = await diskFile(await opened.directory(), 'disk.img', MEBIBYTES);
  await tgtd.addTarget(target, { luns: { 1: disk } });
  const certificates = await issueEcCertificates(opened);
  const gateway = await startGateway(opened, {
    certificates,
    backends: [{ portals: [tgtd.portal] }],
    initiators: [{ iqn, targets: [target] }],
  });
  const stunnel = await startStunnel(opened, certificates, gateway.address);

  const { sent, back } = await roundTrip(opened, { portal: stunnel.address, target, iqn }, MEBIBYTES);

  expect(back).toBe(sent);
});
