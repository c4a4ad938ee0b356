import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { logged, nextLogged } from './support/log.ts';
import { resources, type Resources } from './support/resources.ts';
import {
  issueCertificates,
  issueClient,
  issueGateway,
  revoke,
  startGateway,
  type Certificates,
  type KeyPair,
  type RunningGateway,
} from './support/sangate.ts';
import { diskFile, Tgtd } from './support/tgtd.ts';
import { tunnelDialler } from './support/tunnel.ts';
import { SHARE_BYTES, VerifiedLoad } from './support/verifiedLoad.ts';
import { WIDE_OPEN } from './support/openSession.ts';
import { WritingInitiator } from './support/writingInitiator.ts';

const target = 'iqn.2024-01.test.sangate:reloaded';
const SESSIONS = 8;
const RELOADS = 50;
/** The first reloads come from the watch on the files, which takes up to a second to see a change; the others by SIGHUP. */
const WATCHED = 14;
const BROKEN = 5;
const REVOKING = 9;
const REVOKED = 3;
const RENEWING = 25;
/** So many commands every session completes between two reloads. */
const COMMANDS = 20;
const TIMEOUT_MS = 240_000;

interface Session {
  readonly initiator: WritingInitiator;
  readonly load: VerifiedLoad;
  readonly certificates: Certificates;
}

let opened: Resources;
let authority: Required<Certificates>;
let disk: string;
let gateway: RunningGateway;
let config: {
  watch?: boolean;
  limits?: object;
  listen: { tls: object }[];
  initiators: Record<string, object>;
};
/** Another certificate for the gateway. */
let renewed: KeyPair;
let sessions: Session[];
/** Those that nobody revoked. */
let running: Session[];

beforeEach(async () => {
  opened = resources(onTestFinished);
  disk = await diskFile(await opened.directory(), 'disk.img', (SESSIONS * SHARE_BYTES) / (1024 * 1024));
  const tgtd = await Tgtd.start(opened);
  // several R2Ts for a large write
  const parameters = { ...WIDE_OPEN, FirstBurstLength: '65536', MaxBurstLength: '65536' };
  await tgtd.addTarget(target, { luns: { 1: disk }, parameters: { ...parameters, HeaderDigest: 'CRC32C' } });
  authority = await issueCertificates(opened);
  const numbers = Array.from({ length: SESSIONS }, (_, number) => number);
  gateway = await startGateway(opened, {
    certificates: authority,
    backends: [{ portals: [tgtd.portal] }],
    initiators: numbers.map((number) => ({ iqn: iqn(number), uri: uri(number), targets: [target] })),
  });
  renewed = await issueGateway(authority, 'renewed');
  config = parse(await readFile(gateway.file, 'utf8')) as typeof config;
  sessions = await Promise.all(
    numbers.map(async (number) => {
      const initiatorPair = await issueClient(authority, `host${number}`, uri(number));
      const certificates = { ...authority, initiator: initiatorPair };
      const initiator = await logIn(number, certificates);
      return { initiator, load: new VerifiedLoad(initiator, number), certificates };
    }),
  );
  running = sessions;
});

test(
  'of 8 sessions under verified load, 50 reloads end the one whose certificate they revoke, and disturb no other',
  async () => {
    const { program } = gateway;
    for (const { load } of sessions) load.start();
    await progress();
    const before = await costs(program.pid);

    for (let reload = 1; reload <= RELOADS; reload++) {
      const since = program.lines.length;
      if (reload === REVOKING) await revokeOne();
      else if (reload === BROKEN) await breakConfiguration();
      else {
        await change(reload);
        if (reload > WATCHED) program.signal('SIGHUP');
        const result = await nextLogged(program, 'reloaded', since);
        expect(result, `reload ${reload}`).toMatchObject({ kept: running.length, ended: 0 });
      }
      await progress();
    }

    const after = await costs(program.pid);
    console.log(`before ${JSON.stringify(before)}, after ${RELOADS} reloads ${JSON.stringify(after)}`);
    console.log(`${sessions.map(({ load }) => load.commands).join(' + ')} commands`);
    for (const { load } of running) {
      await load.stop();
      await load.readBack();
    }
    const faults = await Promise.all(sessions.map(({ load }) => load.faultsIn(disk)));
    expect(faults.flat()).toEqual([]);

    expect(logged(program, 'reloaded')).toHaveLength(RELOADS - 1);
    expect(logged(program, 'reload failed: everything is as it was')).toHaveLength(1);
    expect(logged(program, 'session ended')).toHaveLength(1);
    expect(await metric('sangate_config_last_reload_successful')).toBe(1);
    // the revoked session's two sockets are gone, and nothing came in their place
    expect(after.descriptors).toBeLessThanOrEqual(before.descriptors);
  },
  TIMEOUT_MS,
);

/** Unrelated to the sessions, another one each time, and so is the way in which the file is written. */
async function change(reload: number): Promise<void> {
  const passing = {
    iqn: 'iqn.2024-01.test.sangate:passing',
    certificate: { uri: 'spiffe://sangate/passing' },
    from: ['127.0.0.0/8'],
    access: [{ target: `${target}-${reload}`, mode: 'read-only' }],
  };
  if (reload % 4 === 1) config.initiators['passing'] = passing;
  if (reload % 4 === 2) config.limits = { sessionsPerInitiator: reload, drainSeconds: reload };
  if (reload % 4 === 3) delete config.initiators['passing'];
  if (reload === WATCHED) config.watch = false;
  if (reload === RENEWING) Object.assign(config.listen[0]!.tls, renewed);
  await write(`# reload ${reload}\n${stringify(config)}`, reload % 2 === 0);
}

/** The next change writes the file whole again. */
async function breakConfiguration(): Promise<void> {
  await write(`${stringify(config)}\ninitiators: [`, true);
  const failed = await nextLogged(gateway.program, 'reload failed: everything is as it was');
  expect(failed).toMatchObject({ problem: expect.stringContaining(gateway.file) });
  expect(await metric('sangate_config_last_reload_successful')).toBe(0);
}

async function write(text: string, byRenaming: boolean): Promise<void> {
  const file = byRenaming ? `${gateway.file}.new` : gateway.file;
  await writeFile(file, text);
  if (byRenaming) await rename(file, gateway.file);
}

/** Which must hold at once, without another word than that of `sangate pki`: the list is one of the files that are watched. */
async function revokeOne(): Promise<void> {
  const { program } = gateway;
  const { initiator, load, certificates } = sessions[REVOKED]!;
  await revoke(authority, `host${REVOKED}`);
  const at = performance.now();
  const seconds = (): string => ((performance.now() - at) / 1000).toFixed(2);
  expect(await initiator.logoutAsked).toBe(true);
  console.log(`revoked: asked to log out after ${seconds()} s`);
  await initiator.ended;
  console.log(`revoked: ended after ${seconds()} s`);
  await expect(load.stop()).rejects.toThrow('the target closed the connection');
  const ended = { initiator: iqn(REVOKED), reason: 'revoked_cert', by: 'gateway' };
  expect(await nextLogged(program, 'session ended')).toMatchObject(ended);
  expect(logged(program, 'reloaded').at(-1)).toMatchObject({ kept: SESSIONS - 1, ended: 1 });
  await expect(logIn(REVOKED, certificates)).rejects.toThrow();
  expect(await nextLogged(program, 'tunnel refused')).toMatchObject({ reason: 'revoked_cert' });
  running = running.filter((session) => session.initiator !== initiator);
}

/** Waits until every session that there is has done some more; fails when one of them has not been answered what is right. */
async function progress(): Promise<void> {
  await Promise.all(running.map(({ load }) => load.progress(COMMANDS)));
}

async function logIn(number: number, certificates: Certificates): Promise<WritingInitiator> {
  const headerDigest = number % 2 === 0 ? 'none' : 'crc32c';
  const where = { portal: gateway.address, target, iqn: iqn(number), headerDigest } as const;
  return WritingInitiator.logIn(opened, where, tunnelDialler(certificates));
}

function iqn(number: number): string {
  return `iqn.2024-01.test.sangate:host${number}`;
}

function uri(number: number): string {
  return `spiffe://sangate/host${number}`;
}

async function metric(name: string): Promise<number> {
  const response = await fetch(`http://${gateway.admin}/metrics`, { headers: { connection: 'close' } });
  const [, value] = new RegExp(`^${name} (.*)$`, 'm').exec(await response.text()) ?? [];
  return Number(value);
}

async function costs(pid: number): Promise<{ descriptors: number; rssMebibytes: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const [, kibibytes] = /^VmRSS:\s+(\d+)/m.exec(status)!;
  return {
    descriptors: (await readdir(`/proc/${pid}/fd`)).length,
    rssMebibytes: Math.round(Number(kibibytes) / 1024),
  };
}
