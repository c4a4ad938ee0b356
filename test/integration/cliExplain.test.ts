import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { Explanation } from '../../src/cli/explain/explanation.ts';
import { testPki } from '../support/certificates.ts';
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
  const cwd = await temporaryDirectory();
  const { client, gateway, expired } = await testPki();
  await writeFile(join(cwd, 'gateway.yaml'), CONFIGURATION);
  await writeFile(join(cwd, 'client.crt'), client.cert);
  await writeFile(join(cwd, 'gateway.crt'), gateway.cert);
  await writeFile(join(cwd, 'expired.crt'), expired.cert);
  return sangate(['explain', '--config', 'gateway.yaml', ...args], { cwd });
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
  [['-i', 'db1', '-t', DISK, '--command', 'write'], 'say --lun too'],
  [['-i', 'db1', '--lun', '0'], 'say --target too'],
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
