import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { AdminOptions } from '../../src/admin/adminServer.ts';
import { loadGatewayConfigWithoutSecrets } from '../../src/config/gatewayConfig.ts';
import { ValueError } from '../../src/config/problem.ts';
import { explain as explainBy, type Explanation } from '../../src/explain/explanation.ts';
import { readQuestion } from '../../src/explain/readQuestion.ts';
import { loadGatewayCredentials } from '../../src/tls/credentials.ts';
import { adminTlsOptions } from '../../src/tls/listenerOptions.ts';
import { AdminListener } from '../support/adminListener.ts';
import { saveTestPki, testPki } from '../support/certificates.ts';
import { sangate, type Exit } from '../support/commandLine.ts';
import { temporaryDirectory } from '../support/temporaryDirectory.ts';

const CONFIGURATION = `listen:
  - address: 127.0.0.1:0
    tls: { cert: nowhere.crt, key: nowhere.key, clientCa: nowhere-ca.crt }
backends:
  array1:
    portals: [10.0.0.5]
initiators:
  db1:
    iqn: iqn.1993-08.org.debian:01:db1
    certificate: { uri: "spiffe://sangate/db1" }
    from: [203.0.113.0/24]
    chap: { user: db1, secret: { file: secrets/db1 } }
    access:
      - { target: "iqn.2001-05.com.equallogic:*-db1-*", luns: [0, 1] }
      - { target: "iqn.2001-05.com.equallogic:*-archive", mode: read-only }
  trial:
    iqn: iqn.1993-08.org.debian:01:trial
    certificate: { cn: trial }
    from: [0.0.0.0/0]
    shadow: true
    access:
      - { target: "iqn.2001-05.com.equallogic:trial", mode: read-only }
`;

const DISK = 'iqn.2001-05.com.equallogic:disk-db1-data';
const ARCHIVE = 'iqn.2001-05.com.equallogic:2025-archive';

beforeAll(async () => void (await testPki()));

/** Runs it in a folder with gateway.yaml and some certificates; what the configuration names is not there. */
async function explain(...args: readonly string[]): Promise<Exit> {
  return explainFrom(['--config', 'gateway.yaml'], ...args);
}

async function explainFrom(source: readonly string[], ...args: readonly string[]): Promise<Exit> {
  const cwd = await temporaryDirectory();
  const { client, gateway, expired } = await testPki();
  await writeFile(join(cwd, 'gateway.yaml'), CONFIGURATION);
  await writeFile(join(cwd, 'client.crt'), client.cert);
  await writeFile(join(cwd, 'gateway.crt'), gateway.cert);
  await writeFile(join(cwd, 'expired.crt'), expired.cert);
  return sangate(['explain', ...source, ...args], { cwd });
}

test('an allowed login is exit code 0, and its rule has file, line and column', async () => {
  const { code, stdout, stderr } = await explain(
    '-i',
    'db1',
    '--certificate',
    'client.crt',
    '--from',
    '203.0.113.7',
    '-t',
    DISK,
  );
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain(`allowed: db1 logs in to ${DISK}\n`);
  expect(stdout).toContain('rule db1 (gateway.yaml:8:3)');
  expect(stdout).toContain('(gateway.yaml:14:9)');
  expect(stdout).not.toContain('assumed');
});

test('a denied command is exit code 77, with the line that denies it and what is heard', async () => {
  const { code, stdout } = await explain('-i', 'db1', '-t', ARCHIVE, '-l', '0', '--command', 'WRITE(10)');
  expect(code).toBe(77);
  expect(stdout).toContain('denied: db1 sends WRITE (10) 2Ah to LUN 0\n');
  expect(stdout).toContain('write-protected: mode: read-only (gateway.yaml:15:9)');
  expect(stdout).toContain('CHECK CONDITION, sense 07/27/00');
});

test.each([
  [['--certificate', 'gateway.crt'], 'certificate', /wants uri spiffe:\/\/sangate\/db1/],
  [['--from', '198.51.100.1'], 'address', /198\.51\.100\.1 is not in from: \[203\.0\.113\.0\/24\]/],
  [['--target', 'iqn.2001-05.com.equallogic:other'], 'target', /no access entry/],
])('a denied login says which part did not fit: %j', async (args, part, detail) => {
  const { code, stdout } = await explain('-i', 'db1', '--json', ...args);
  expect(code).toBe(77);
  const { verdict, parts, told } = JSON.parse(stdout) as Explanation;
  expect(verdict).toBe('denied');
  expect(parts.filter(({ fits }) => !fits)).toMatchObject([{ part, detail: expect.stringMatching(detail) }]);
  expect(told).toMatch(/^login status 020[23] /);
});

test('without a target comes the whole matrix, by name of the entry or of the initiator', async () => {
  const byEntry = await explain('-i', 'db1');
  expect(byEntry.code).toBe(0);
  expect(byEntry.stdout).toContain(`iqn.2001-05.com.equallogic:*-db1-*  read-write  gateway.yaml:14:9`);
  expect(byEntry.stdout).toContain('assumed: one that has uri spiffe://sangate/db1');
  expect((await explain('-i', 'IQN.1993-08.org.debian:01:DB1')).stdout).toBe(byEntry.stdout);
});

test('the matrix as JSON', async () => {
  const { stdout } = await explain('-i', 'db1', '--json');
  expect(JSON.parse(stdout)).toMatchObject({
    verdict: 'allowed',
    matrix: [
      { location: 'gateway.yaml:14:9', luns: [{ luns: [0, 1] }, { luns: null, visible: 'denied' }] },
      { location: 'gateway.yaml:15:9', mode: 'read-only' },
      { target: null, verdict: 'denied' },
    ],
  });
});

test('what shadow lets through is exit code 0, and is told', async () => {
  const { code, stdout } = await explain('-i', 'trial', '-t', DISK, '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ verdict: 'shadowed', reason: 'acl_denied' });
});

test('an initiator name that no entry has is denied', async () => {
  const { code, stdout } = await explain('-i', 'iqn.1993-08.org.debian:01:db2');
  expect(code).toBe(77);
  expect(stdout).toContain('login status 0202 authorizationFailure');
});

test.each([
  [['-i', 'bd1'], 'there is no entry "bd1" under initiators — did you mean db1?'],
  [['-i', 'somebody'], 'there are: db1, trial'],
  [['-i', 'iqn.nothing'], 'is not an iSCSI name'],
  [['-i', 'db1', '-t', 'iqn.2001-05.com.equallogic:*'], 'is not an iSCSI name'],
  [['-i', 'db1', '-t', DISK, '-l', '0', '--command', 'wriet'], 'did you mean "write"?'],
  [['-i', 'db1', '-t', DISK, '--command', 'write'], 'say the lun too'],
  [['-i', 'db1', '--lun', '0'], 'say the target too'],
  [['-i', 'db1', '-t', DISK, '--lun', '16384'], 'from 0 to 16383'],
  [['-i', 'db1', '--from', '203.0.113.0/24'], 'without port, range and zone'],
  [[], "required option '-i, --initiator <name>' not specified"],
])('a mistake on the command line is exit code 64 and says what to write: %j', async (args, message) => {
  const { code, stdout, stderr } = await explain(...args);
  expect([code, stdout]).toEqual([64, '']);
  expect(stderr).toContain(message);
});

test('a certificate file that cannot be used is exit code 78', async () => {
  const { code, stderr } = await explain('-i', 'db1', '--certificate', 'gateway.yaml');
  expect(code).toBe(78);
  expect(stderr).toContain('gateway.yaml: holds no certificate in PEM form');
});

test('a certificate that has ended is pointed out: the rules do not look at that, TLS does', async () => {
  const { code, stderr } = await explain('-i', 'db1', '--certificate', 'expired.crt');
  expect(code).toBe(0);
  expect(stderr).toMatch(/expired\.crt: this certificate ended on .* TLS refuses it \(expired_cert\)/);
});

/** The keys of an object have no order. */
const comparable = ({ stdout, ...exit }: Exit) => ({
  ...exit,
  stdout: stdout.startsWith('{') ? (JSON.parse(stdout) as unknown) : stdout,
});

/** A gateway that has this configuration in force, and the file that has it as well. */
async function startListener(options: Partial<AdminOptions> = {}) {
  const file = join(await temporaryDirectory(), 'gateway.yaml');
  await writeFile(file, CONFIGURATION);
  const { initiators } = loadGatewayConfigWithoutSecrets(file).config;
  const listener = await AdminListener.start({
    control: {
      sessions: () => [],
      kill: () => false,
      explain: (question) => explainBy(initiators, readQuestion(initiators, question)),
    },
    ...options,
  });
  return { file, admin: `127.0.0.1:${listener.port}` };
}

test.each([
  ['-i', 'db1'],
  ['-i', 'db1', '--json'],
  ['-i', 'trial', '-t', DISK, '--json'],
  ['-i', 'db1', '--certificate', 'client.crt', '--from', '203.0.113.7', '-t', DISK],
  ['-i', 'db1', '--certificate', 'gateway.crt', '--json'],
  ['-i', 'db1', '--certificate', 'expired.crt'],
  ['-i', 'db1', '-t', ARCHIVE, '-l', '0', '--command', 'WRITE(10)'],
  ['-i', 'db1', '-t', ARCHIVE, '-l', '0', '--json', '--command', 'logical unit reset'],
  ['-i', 'bd1'],
  ['-i', 'db1', '-t', DISK, '--lun', '16384'],
  ['-i', 'db1', '--lun', '0'],
])('a running gateway answers as the file does: %#', async (...args) => {
  const { file, admin } = await startListener();
  const fromGateway = await explainFrom(['--admin', admin], ...args);
  expect([0, 64, 77]).toContain(fromGateway.code);
  expect(comparable(fromGateway)).toEqual(comparable(await explainFrom(['--config', file], ...args)));
});

test('with TLS a running gateway is asked with the certificate of an operator', async () => {
  const path = await saveTestPki(await temporaryDirectory());
  const files = { cert: path('gateway.crt'), key: path('gateway.key'), clientCa: path('ca.crt') };
  const { admin } = await startListener({ tls: adminTlsOptions(await loadGatewayCredentials(files)) });
  const operator = ['--cert', path('client.crt'), '--key', path('client.key'), '--ca', path('ca.crt')];
  expect((await explainFrom(['--admin', admin, ...operator], '-i', 'db1')).code).toBe(0);
  const { code, stderr } = await explainFrom(['--admin', admin], '-i', 'db1');
  expect([code, stderr]).toEqual([1, expect.stringContaining('give --cert, --key and --ca')]);
});

test.each([
  [[], 'give one of --config and --admin'],
  [['--config', 'gateway.yaml', '--admin', '127.0.0.1:1'], 'give one of --config and --admin'],
  [['--config', 'gateway.yaml', '--cert', 'client.crt'], 'give --admin in place of --config'],
  [['--admin', '127.0.0.1:1', '--cert', 'client.crt'], '--cert, --key and --ca together'],
  [['--admin', 'http://127.0.0.1:9260'], 'without a scheme'],
])('whose rules are asked has to be clear: %j is a usage error', async (source, message) => {
  const { code, stderr } = await explainFrom(source, '-i', 'db1');
  expect(code).toBe(64);
  expect(stderr).toContain(message);
});

test('what a listener answers cannot write to the terminal', async () => {
  const hostile = 'db1\u001b]0;owned\u0007\u009b2J\r\ndenied\u202e';
  const explanation: Explanation = {
    verdict: 'denied',
    initiator: hostile,
    rule: { id: hostile, location: hostile, shadow: false },
    parts: [{ part: 'target', fits: false, assumed: false, detail: hostile }],
    reason: hostile,
    detail: hostile,
    told: hostile,
    unasked: [hostile],
    matrix: [{ target: hostile, verdict: 'denied', location: hostile, luns: [] }],
  };
  const control = { sessions: () => [], kill: () => false };
  const { admin } = await startListener({ control: { ...control, explain: () => explanation } });
  const refusing = await startListener({
    control: {
      ...control,
      explain: () => {
        throw new ValueError(hostile, hostile);
      },
    },
  });
  for (const args of [
    ['--admin', admin],
    ['--json', '--admin', admin],
    ['--admin', refusing.admin],
  ]) {
    const { stdout, stderr } = await explainFrom(args, '-i', 'db1');
    expect(`${stdout}${stderr}`.replaceAll('\n', '')).toMatch(/^[^\p{C}]+$/u);
    expect(stdout).not.toMatch(/^denied\p{C}?$/mu);
  }
});

test('no secret, key or certificate that the configuration names is needed', async () => {
  expect((await explain('-i', 'db1')).code).toBe(0);
  const cwd = await temporaryDirectory();
  await writeFile(join(cwd, 'gateway.yaml'), CONFIGURATION);
  expect((await sangate(['check', 'gateway.yaml'], { cwd })).code).toBe(78);
});

test('the example of README is what is printed for the configuration of README', async () => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const [, yaml] = /```yaml\n(.*?)```/s.exec(readme)!;
  const [, command, output] = /```\n\$ sangate (explain.*?)\n(denied:.*?)```/s.exec(readme)!;
  const args = [...command!.replace('\\\n', ' ').matchAll(/'([^']*)'|(\S+)/g)].map(([, a, b]) => (a ?? b)!);
  const cwd = await temporaryDirectory();
  await writeFile(join(cwd, 'gateway.yaml'), yaml!);
  expect(await sangate(args, { cwd })).toEqual({ code: 77, stdout: output, stderr: '' });
});
