import { expect, test } from 'vitest';
import { opcodeAt } from '../../src/iscsi/bhs.ts';
import { decodeBhs } from '../../src/iscsi/layouts.ts';
import { Opcode } from '../../src/iscsi/opcode.ts';
import { encodePdu } from '../../src/iscsi/pdu.ts';
import { parsePairs, type TextPair } from '../../src/iscsi/text.ts';
import { encodeProxyHeader, type ProxyHeader } from '../../src/transport/proxyHeader.ts';
import { DB1, DISK1 } from '../support/loginPdus.ts';
import { startSite, startTarget, type Site, type SiteOptions } from '../support/site.ts';
import type { TunnelInitiator } from '../support/tunnelInitiator.ts';

const DISK2 = 'iqn.2026-01.org.example:disk2';
const HIDDEN = 'iqn.2026-01.org.example:hidden';

async function siteBefore(
  targets: readonly string[],
  options: Omit<SiteOptions, 'backends'> = {},
): Promise<Site> {
  const array = await startTarget({ host: '127.0.0.2', targets });
  return startSite({ ...options, backends: { array1: { portals: [array.portal] } } });
}

/** Logs in to discovery and asks. @returns lines as they came */
async function discover(initiator: TunnelInitiator, which = 'All'): Promise<string[]> {
  await initiator.logInToDiscovery(DB1);
  return linesOf(await initiator.text([['SendTargets', which]]));
}

const linesOf = (pieces: readonly Buffer[]): string[] =>
  parsePairs(Buffer.concat(pieces)).map(([key, value]) => `${key}=${value}`);

test('discovery shows the targets that a login would let through, and no others', async () => {
  const site = await siteBefore([HIDDEN, DISK1, DISK2]);
  const lines = await discover(await site.connect());
  expect(lines.filter((line) => line.startsWith('TargetName'))).toEqual([
    `TargetName=${DISK1}`,
    `TargetName=${DISK2}`,
  ]);
  expect(await site.log.line({ msg: 'discovery answered' })).toMatchObject({ initiator: DB1, shown: 2 });
});

test('discovery for one name shows that target alone', async () => {
  const site = await siteBefore([DISK1, DISK2]);
  expect(await discover(await site.connect(), DISK2.toUpperCase().replace('IQN', 'iqn'))).toEqual([
    `TargetName=${DISK2}`,
    expect.stringMatching(/^TargetAddress=127\.0\.0\.1:/),
  ]);
});

test.each([HIDDEN, 'iqn.2026-01.org.example:none', `${DISK1}x`])(
  'discovery for %s shows nothing, be it hidden or not there',
  async (name) => {
    const site = await siteBefore([HIDDEN, DISK1]);
    expect(await discover(await site.connect(), name)).toEqual([]);
  },
);

test('without a PROXY header, the address of the socket is shown', async () => {
  const site = await siteBefore([DISK1]);
  expect(await discover(await site.connect())).toEqual([
    `TargetName=${DISK1}`,
    `TargetAddress=127.0.0.1:${site.port},1`,
  ]);
});

test('an IPv6 address is shown in brackets and with its port', async () => {
  const site = await siteBefore([DISK1], { listen: { address: '[::1]:0' } });
  expect(await discover(await site.connect())).toContain(`TargetAddress=[::1]:${site.port},1`);
});

test('without a PROXY header, the configured address is shown', async () => {
  const site = await siteBefore([DISK1], { listen: { advertise: '192.0.2.10:3260' } });
  expect(await discover(await site.connect())).toContain('TargetAddress=192.0.2.10:3260,1');
});

const source = { host: '127.0.0.1', port: 40000 };
test.each<[string, ProxyHeader, string]>([
  ['IPv4', { source, destination: { host: '192.0.2.20', port: 3260 } }, '192.0.2.20:3260'],
  ['IPv6', { source, destination: { host: '2001:db8::5', port: 3260 } }, '[2001:db8::5]:3260'],
  [
    'a host name',
    { source, destination: { host: '127.0.0.1', port: 3270 }, authority: 'san.example.org' },
    'san.example.org:3270',
  ],
])('what the PROXY header says was dialled is shown before all else: %s', async (_, header, shown) => {
  const site = await siteBefore([DISK1], { listen: { advertise: '192.0.2.10:3260' } });
  const initiator = await site.connect();
  initiator.send(encodeProxyHeader(header));
  expect(await discover(initiator)).toContain(`TargetAddress=${shown},1`);
});

test('a long answer continues over several PDUs, none longer than the initiator takes', async () => {
  const targets = Array.from({ length: 300 }, (_, i) => `${DISK1}-${i}`);
  const site = await siteBefore(targets);
  const initiator = await site.connect();
  await initiator.logInToDiscovery(DB1, [['MaxRecvDataSegmentLength', '512']]);
  const pieces = await initiator.text([['SendTargets', 'All']]);
  expect(pieces.length).toBeGreaterThan(10);
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(512);
  const names = linesOf(pieces).filter((line) => line.startsWith('TargetName='));
  expect(names).toEqual(targets.map((name) => `TargetName=${name}`));
});

test("a backend that is down does not hide the others' targets, and the log names it", async () => {
  const gone = await startTarget();
  const { portal } = gone;
  await gone.close();
  const array = await startTarget();
  const site = await startSite({
    backends: { dead: { portals: [portal] }, array1: { portals: [array.portal] } },
  });
  expect(await discover(await site.connect())).toContain(`TargetName=${DISK1}`);
  const { missing } = await site.log.line({ msg: 'discovery answered', shown: 1 });
  expect(missing).toEqual([expect.stringContaining('backend dead: no portal can be reached')]);
});

test("a backend that never answers does not hide the others' targets", async () => {
  const mute = await startTarget({ script: () => true });
  const array = await startTarget();
  const site = await startSite({
    backends: { mute: { portals: [mute.portal] }, array1: { portals: [array.portal] } },
    limits: { discoverySeconds: 1 },
  });
  expect(await discover(await site.connect())).toContain(`TargetName=${DISK1}`);
  const { missing } = await site.log.line({ msg: 'discovery answered', shown: 1 });
  expect(missing).toEqual(['backend mute: no answer to discovery within 1000 ms']);
});

test.each(['All', DISK1, HIDDEN])(
  'for SendTargets=%s no backend is asked that has nothing to show the initiator',
  async (which) => {
    let isAsked = false;
    const other = await startTarget({ script: () => (isAsked = true) });
    const array = await startTarget();
    const site = await startSite({
      backends: {
        other: { portals: [other.portal], targets: [HIDDEN, 'iqn.2026-01.org.example:others-*'] },
        array1: { portals: [array.portal] },
      },
      limits: { discoverySeconds: 1 },
    });
    await discover(await site.connect(), which);
    const { missing } = await site.log.line({ msg: 'discovery answered' });
    expect(missing).toBeUndefined();
    expect(isAsked).toBe(false);
  },
);

test('a target of two backends is shown once', async () => {
  const [one, two] = [await startTarget(), await startTarget()];
  const site = await startSite({
    backends: { one: { portals: [one.portal] }, two: { portals: [two.portal] } },
  });
  const lines = await discover(await site.connect());
  expect(lines.filter((line) => line === `TargetName=${DISK1}`)).toHaveLength(1);
});

test('a name that would be a path is left out, the log tells of it, and the others are shown', async () => {
  const site = await siteBefore(['iqn.2026-01.org.example:disk/../../etc', DISK1]);
  const lines = await discover(await site.connect());
  expect(lines.filter((line) => line.startsWith('TargetName'))).toEqual([`TargetName=${DISK1}`]);
  const { malformed } = await site.log.line({ msg: 'discovery answered' });
  expect(malformed).toHaveLength(1);
});

test("the array's address stands in no byte of a discovery", async () => {
  const array = await startTarget({ host: '127.0.0.2' });
  const site = await startSite({ backends: { array1: { portals: [array.portal] } } });
  const initiator = await site.connect();
  await discover(initiator);
  const bytes = Buffer.concat([...initiator.sent, ...initiator.received]).toString('latin1');
  expect(bytes).toContain('TargetAddress=127.0.0.1:');
  expect(bytes).not.toContain('127.0.0.2');
  expect(bytes).not.toContain(String(array.port));
});

test("the array is asked in the initiator's own name", async () => {
  const array = await startTarget();
  const site = await startSite({ backends: { array1: { portals: [array.portal] } } });
  await discover(await site.connect());
  const [asked] = array.connections;
  expect(asked!.login.identity).toMatchObject({ initiatorName: DB1, sessionType: 'Discovery' });
});

test('a SCSI Command in a discovery session gets a Reject, and the session lives on', async () => {
  const site = await siteBefore([DISK1]);
  const initiator = await site.connect();
  await initiator.logInToDiscovery(DB1);
  initiator.send(encodePdu('scsiCommand', { immediate: true, final: true, initiatorTaskTag: 5, cmdSN: 1 }));
  const { bhs } = (await initiator.next())!;
  expect(opcodeAt(bhs, 0)).toBe(Opcode.reject);
  expect(decodeBhs('reject', bhs).reason).toBe(0x05);
  await initiator.ping();
});

test('an initiator that ends discovery with a reset is no fault in the log', async () => {
  const site = await siteBefore([DISK1]);
  const initiator = await site.connect();
  await discover(initiator);
  initiator.reset();
  await initiator.closed;
  const other = await site.connect();
  await discover(other);
  other.end();
  await other.closed;
  expect(site.log.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
});

test.each<[string, readonly TextPair[], readonly string[]]>([
  ['its own target', [['SendTargets', '']], [`TargetName=${DISK1}`, 'TargetAddress=127.0.0.1:PORT,1']],
  [
    'its own target by name',
    [['SendTargets', DISK1]],
    [`TargetName=${DISK1}`, 'TargetAddress=127.0.0.1:PORT,1'],
  ],
  ['all targets', [['SendTargets', 'All']], ['SendTargets=Reject']],
  ['another target', [['SendTargets', DISK2]], []],
  ['all targets with more behind', [['SendTargets', 'Allx']], []],
])('a Normal session that asks for %s hears of nothing but its own target', async (_, ask, expected) => {
  const array = await startTarget({ host: '127.0.0.2', targets: [DISK1, DISK2] });
  const site = await startSite({ backends: { array1: { portals: [array.portal] } } });
  const initiator = await site.connect();
  await initiator.logIn();
  const lines = linesOf(await initiator.text(ask));
  expect(lines).toEqual(expected.map((line) => line.replace('PORT', String(site.port))));
  const session = await array.session();
  expect(session.received.map(({ bhs }) => opcodeAt(bhs, 0))).not.toContain(Opcode.textRequest);
});
