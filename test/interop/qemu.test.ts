import { afterAll, beforeAll, expect, test } from 'vitest';
import { roundTrip } from './support/qemu.ts';
import { resources } from './support/resources.ts';
import { issueCertificates, startGateway, startStub } from './support/sangate.ts';
import { Tap } from './support/tap.ts';
import { diskFile, Tgtd } from './support/tgtd.ts';

const iqn = 'iqn.2024-01.test.sangate:vm1';
const target = 'iqn.2024-01.test.sangate:image';
const MEBIBYTES = 256;

const opened = resources(afterAll);
let initiatorSide: Tap;
let arraySide: Tap;

beforeAll(async () => {
  const tgtd = await Tgtd.start(opened);
  const disk = await diskFile(await opened.directory(), 'disk.img', MEBIBYTES);
  await tgtd.addTarget(target, { luns: { 1: disk }, parameters: { HeaderDigest: 'CRC32C' } });
  arraySide = await Tap.start(opened, tgtd.portal);
  const certificates = await issueCertificates(opened);
  const gateway = await startGateway(opened, {
    certificates,
    backends: [{ portals: [arraySide.address] }],
    initiators: [{ iqn, targets: [target] }],
  });
  initiatorSide = await Tap.start(opened, (await startStub(opened, certificates, gateway.address)).address);
});

for (const [headerDigest, agreed] of [
  ['none', 'HeaderDigest=None'],
  ['crc32c', 'HeaderDigest=CRC32C'],
] as const) {
  test(`an image of ${MEBIBYTES} MiB comes back equal with header digest ${headerDigest} on both legs`, async () => {
    initiatorSide.forget();
    arraySide.forget();
    const { sent, back } = await roundTrip(
      opened,
      { portal: initiatorSide.address, target, iqn, headerDigest },
      MEBIBYTES,
    );
    expect(back).toBe(sent);
    expect(initiatorSide.answers('HeaderDigest')).toEqual([agreed]);
    expect(arraySide.answers('HeaderDigest')).toEqual([agreed]);
  });
}
