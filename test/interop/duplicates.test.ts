import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { iscsiInq } from './support/libiscsi.ts';
import { logged, nextLogged } from './support/log.ts';
import { Program } from './support/process.ts';
import { qemuImage } from './support/qemu.ts';
import { resources, type Resources } from './support/resources.ts';
import {
  INITIATOR_URI,
  issueCertificates,
  issueClient,
  startGateway,
  startStub,
  type GatewaySetup,
  type RunningGateway,
} from './support/sangate.ts';
import { diskFile, Tgtd } from './support/tgtd.ts';

const iqn = 'iqn.2024-01.test.sangate:db1';
const target = 'iqn.2024-01.test.sangate:single';
const DUPLICATE = 'the same initiator is there already';
const GRANTED = 'Peripheral Device Type:DIRECT_ACCESS';

let opened: Resources;

beforeEach(() => {
  opened = resources(onTestFinished);
});

test('the same initiator name with another certificate is reported, and let in', async () => {
  const { gateway, inquire } = await firstHostIsIn('report');
  expect((await inquire()).stdout).toContain(GRANTED);
  const other = { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) };
  expect(await nextLogged(gateway.program, DUPLICATE)).toMatchObject({
    initiator: iqn,
    refused: false,
    other,
  });
  expect(logged(gateway.program, 'login denied')).toEqual([]);
});

test('where duplicates are refused, the second host is told that it is not authorized, and the first one works on', async () => {
  const { gateway, inquire, read } = await firstHostIsIn('refuse');
  const { stdout, stderr } = await inquire();
  expect(stdout).not.toContain(GRANTED);
  expect(stdout + stderr).toContain('Authorization failure(514)');
  expect(await nextLogged(gateway.program, DUPLICATE)).toMatchObject({ initiator: iqn, refused: true });
  expect(await nextLogged(gateway.program, 'login denied')).toMatchObject({ reason: 'duplicate_initiator' });
  await read();
  expect(logged(gateway.program, 'session ended')).toEqual([]);
});

interface Hosts {
  readonly gateway: RunningGateway;
  /** On the second host, with its certificate and the same initiator name. */
  readonly inquire: () => ReturnType<typeof iscsiInq>;
  /** On the first host. */
  readonly read: () => Promise<void>;
}

/** Two hosts of which qemu on the first one has a session. */
async function firstHostIsIn(duplicateInitiators: 'report' | 'refuse'): Promise<Hosts> {
  const disk = await diskFile(await opened.directory(), 'disk.img', 1);
  const tgtd = await Tgtd.start(opened);
  await tgtd.addTarget(target, { luns: { 1: disk } });
  const certificates = await issueCertificates(opened);
  const second = await issueClient(certificates, 'second', INITIATOR_URI);
  const setup: GatewaySetup = {
    certificates,
    backends: [{ portals: [tgtd.portal] }],
    initiators: [{ iqn, targets: [target] }],
    guards: { duplicateInitiators },
  };
  const gateway = await startGateway(opened, setup);
  const stubs = await Promise.all(
    [certificates.initiator, second].map((initiator) =>
      startStub(opened, { ...certificates, initiator }, gateway.address),
    ),
  );
  const [near, far] = stubs.map(({ address }) => address);
  const qemu = new Program(opened, 'qemu-io', ['--image-opts', qemuImage({ portal: near!, target, iqn })]);
  const read = async (): Promise<void> => {
    const since = qemu.lines.length;
    qemu.type('read 0 64k');
    await qemu.find((line) => line.includes('read 65536/65536') || undefined, { what: 'a read', since });
  };
  await read();
  return { gateway, inquire: () => iscsiInq({ portal: far!, iqn }, target), read };
}
