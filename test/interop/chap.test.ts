import { afterAll, beforeAll, expect, test } from 'vitest';
import { iscsiInq, iscsiLsTargets } from './support/libiscsi.ts';
import { resources } from './support/resources.ts';
import { issueCertificates, startGateway, startStub, type ChapBothWays } from './support/sangate.ts';
import { diskFile, Tgtd } from './support/tgtd.ts';

const iqn = 'iqn.2024-01.test.sangate:db1';
const target = 'iqn.2024-01.test.sangate:guarded';
const impostor = 'iqn.2024-01.test.sangate:impostor';

const account = { user: 'db1', secret: 'initiator-secret' };
const mutual = { user: 'gateway', secret: 'gateway-secret-1' };
const arrayAccount = { user: 'sangate', secret: 'towards-array-1' };
const arrayMutual = { user: 'array', secret: 'from-the-array-1' };

const opened = resources(afterAll);
let portal: string;
let gatewayLog: string[];

// Both legs ask for CHAP in both directions, each with accounts of its own.
beforeAll(async () => {
  const directory = await opened.directory();
  const array = await Tgtd.start(opened);
  const disk = await diskFile(directory, 'disk.img', 16);
  await array.addTarget(target, {
    luns: { 1: disk },
    incoming: arrayAccount,
    outgoing: arrayMutual,
    guardDiscovery: true,
  });
  const impostorArray = await Tgtd.start(opened);
  await impostorArray.addTarget(impostor, {
    luns: { 1: disk },
    incoming: arrayAccount,
    outgoing: { ...arrayMutual, secret: 'a-wrong-secret-1' },
  });
  const certificates = await issueCertificates(opened);
  // Without algorithms: tgtd takes CHAP_A=7, which is SHA-256, for SHA-1, so that MD5 has to be offered before it.
  const chap: ChapBothWays = { ...arrayAccount, mutual: arrayMutual };
  const gateway = await startGateway(opened, {
    certificates,
    backends: [
      { portals: [array.portal], targets: [target], chap },
      { portals: [impostorArray.portal], targets: [impostor], chap },
    ],
    initiators: [{ iqn, targets: [target, impostor], chap: { ...account, mutual } }],
  });
  gatewayLog = gateway.program.lines;
  portal = (await startStub(opened, certificates, gateway.address)).address;
});

test('an initiator that knows its secret is let in', async () => {
  expect(await login(account)).toContain('Peripheral Device Type:DIRECT_ACCESS');
});

test('an initiator that demands the proof of the gateway gets it', async () => {
  expect(await login({ ...account, mutual })).toContain('Peripheral Device Type:DIRECT_ACCESS');
});

test('discovery asks for the secret too, and shows arrays that guard their discovery and those that do not', async () => {
  const { stdout } = await iscsiLsTargets({ portal, iqn, chap: account });
  expect(stdout).toContain(`Target:${target} Portal:${portal},1`);
  expect(stdout).toContain(`Target:${impostor} Portal:${portal},1`);
  const { code, stdout: nothing } = await iscsiLsTargets({ portal, iqn });
  expect({ code: code === 0, nothing }).toEqual({ code: false, nothing: '' });
});

test('an initiator without an account is refused', async () => {
  expect(await login(undefined)).toContain('Authentication failure(513)');
});

test('an initiator with a wrong secret is refused', async () => {
  expect(await login({ ...account, secret: 'guessed-secret-1' })).toContain('Authentication failure(513)');
});

test('the secret of the other leg opens nothing', async () => {
  expect(await login(arrayAccount)).toContain('Authentication failure(513)');
});

test('an initiator that expects another proof of the gateway turns away', async () => {
  const refused = await login({ ...account, mutual: { ...mutual, secret: 'another-secret-1' } });
  expect(refused).toContain('Invalid CHAP_R response from the target');
});

test('an array that cannot prove itself is not used', async () => {
  expect(await login(account, impostor)).toContain('Service unavailable(769)');
});

test('no secret stands in the log', () => {
  const log = gatewayLog.join('\n');
  expect(log).toContain(iqn);
  for (const { secret } of [account, mutual, arrayAccount, arrayMutual]) expect(log).not.toContain(secret);
});

/** What iscsi-inq says: the INQUIRY data, or why the login failed. */
async function login(chap: ChapBothWays | undefined, name = target): Promise<string> {
  const { stdout, stderr } = await iscsiInq({ portal, iqn, ...(chap && { chap }) }, name);
  return stdout + stderr;
}
