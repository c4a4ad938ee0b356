import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CommandLine, sangate } from '../support/commandLine.ts';
import { temporaryDirectory } from '../support/temporaryDirectory.ts';

const USAGE = 64;
const CONFIGURATION = 78;

const GOOD = `listen:
  - address: 127.0.0.1:0
    tls: { cert: certs/gw.crt, key: certs/gw.key, clientCa: certs/ca.crt, crl: certs/ca.crl }
backends:
  array1: { portals: [127.0.0.1:3260] }
initiators:
  db1:
    iqn: iqn.1993-08.org.debian:01:db1
    certificate: { uri: "spiffe://example.org/db1" }
    from: [127.0.0.0/8]
    access: [{ target: "iqn.2001-05.com.example:*" }]
`;

/** A folder with certificates and, if told, the gateway's configuration. */
async function folder(gatewayYaml?: string): Promise<string> {
  const cwd = await temporaryDirectory();
  expect((await sangate(['pki', 'init'], { cwd })).code).toBe(0);
  expect((await sangate(['pki', 'issue', 'gw', '--server', '--ip', '127.0.0.1'], { cwd })).code).toBe(0);
  if (gatewayYaml !== undefined) await writeFile(join(cwd, 'gateway.yaml'), gatewayYaml);
  return cwd;
}

test('--help says what there is and succeeds', async () => {
  const { code, stdout, stderr } = await sangate(['--help']);
  expect([code, stderr]).toEqual([0, '']);
  for (const command of ['gateway', 'stub', 'target', 'check', 'demo', 'pki'])
    expect(stdout).toContain(command);
});

test.each([
  ['an unknown command', ['nonsense'], "unknown command 'nonsense'"],
  ['an unknown option', ['check', '--nonsense'], "unknown option '--nonsense'"],
  ['a missing argument', ['check'], "missing required argument 'file'"],
  ['a missing option', ['gateway'], '--config'],
  [
    'two options that exclude each other',
    ['stub', '--config', 'a', '--gateway', 'b:1'],
    '--config stands alone',
  ],
  ['no disk', ['target'], 'say either --file or --memory'],
  ['two disks', ['target', '--file', 'a', '--memory', '1G'], 'say either --file or --memory'],
  ['a size that is none', ['target', '--memory', '1X'], '512M'],
  [
    'a disk in memory that nobody can write to',
    ['target', '--memory', '1G', '--read-only'],
    'go with --file',
  ],
  ['a name that is none', ['target', '--memory', '1G', '--name', 'disk'], 'iqn.YYYY-MM'],
  ['half of a CHAP pair', ['target', '--memory', '1G', '--chap-user', 'db1'], '--chap-secret-file'],
  ['a certificate for neither side', ['pki', 'issue', 'x'], '--server or --client'],
  ['a validity of no days', ['pki', 'init', '--days', '0'], '1 to 36500'],
])('%s is a usage error that says what is wrong', async (_what, args, message) => {
  const { code, stdout, stderr } = await sangate(args);
  expect([code, stdout]).toEqual([USAGE, '']);
  expect(stderr).toContain(message);
  expect(stderr).not.toContain('    at ');
});

test('no command at all is a usage error that shows the help', async () => {
  const { code, stderr } = await sangate([]);
  expect(code).toBe(USAGE);
  expect(stderr).toContain('Usage: sangate');
});

test('a reader that ends early (sangate --help | true) gets no stack trace', async () => {
  const command = new CommandLine(['--help']);
  command.child.stdout.destroy();
  const { code, stderr } = await command.exit();
  expect([code, stderr]).toEqual([0, '']);
});

test('check of a good configuration says what is in it', async () => {
  const { code, stdout, stderr } = await sangate(['check', 'gateway.yaml'], { cwd: await folder(GOOD) });
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toBe('gateway.yaml: ok, 1 listener(s), 1 backend(s), 1 initiator(s)\n');
});

/** Line, column and key of each mistake. */
const placesIn = (stderr: string): string[] =>
  stderr
    .trimEnd()
    .split('\n')
    .map((line) => line.split(': ').slice(0, 2).join(' '));

test('check of a bad configuration says all that is wrong, each with line and column', async () => {
  const yaml = GOOD.replace('    iqn:', '    iqm:').replace('127.0.0.0/8', '127.0.0.0/99');
  const { code, stdout, stderr } = await sangate(['check', 'gateway.yaml'], { cwd: await folder(yaml) });
  expect([code, stdout]).toEqual([CONFIGURATION, '']);
  expect(placesIn(stderr)).toEqual([
    'gateway.yaml:7:3 initiators.db1.iqn',
    'gateway.yaml:8:5 initiators.db1.iqm',
    'gateway.yaml:10:12 initiators.db1.from[0]',
  ]);
});

test('check of a file that is not there names it', async () => {
  const { code, stderr } = await sangate(['check', 'missing.yaml']);
  expect(code).toBe(CONFIGURATION);
  expect(stderr).toContain('missing.yaml: there is no such file');
});

test('check finds a certificate that is not there', async () => {
  const cwd = await folder(GOOD.replace('gw.crt', 'other.crt'));
  const { code, stderr } = await sangate(['check', 'gateway.yaml'], { cwd });
  expect(code).toBe(CONFIGURATION);
  expect(stderr).toContain('other.crt: does not exist');
});

test('check tells every mistake in the certificates, each with its line and key', async () => {
  const second = `  - address: 127.0.0.2:0
    tls: { cert: certs/gw.crt, key: certs/ca.key, clientCa: certs/gw.crt }
`;
  const admin =
    'admin: { address: 127.0.0.1:0, tls: { cert: x.crt, key: certs/gw.key, clientCa: operators.crt } }\n';
  const yaml = GOOD.replace('gw.crt', 'other.crt').replace('gw.key', 'other.key').replace('ca.crl', 'ca.crt');
  const cwd = await folder(yaml.replace('backends', `${second}backends`) + admin);
  const { code, stdout, stderr } = await sangate(['check', 'gateway.yaml'], { cwd });
  expect([code, stdout]).toEqual([CONFIGURATION, '']);
  expect(placesIn(stderr)).toEqual([
    'gateway.yaml:3:18 listen[0].tls.cert',
    'gateway.yaml:3:40 listen[0].tls.key',
    'gateway.yaml:3:86 listen[0].tls.crl',
    'gateway.yaml:5:37 listen[1].tls.key',
    'gateway.yaml:5:61 listen[1].tls.clientCa',
    'gateway.yaml:14:45 admin.tls.cert',
    'gateway.yaml:14:81 admin.tls.clientCa',
  ]);
  expect(stderr).toContain(`listen[0].tls.cert: ${join(cwd, 'certs', 'other.crt')}: does not exist`);
});

test('check --stub tells every mistake in the certificates, each with its line and key', async () => {
  const cwd = await folder();
  await writeFile(
    join(cwd, 'stub.yaml'),
    'gateways: [127.0.0.1:1]\ntls: { cert: certs/gw.crt, key: no.key, ca: no.crt }\n',
  );
  const { code, stderr } = await sangate(['check', '--stub', 'stub.yaml'], { cwd });
  expect(code).toBe(CONFIGURATION);
  expect(stderr).toMatch(/^stub\.yaml:2:33: tls\.key: .*\nstub\.yaml:2:45: tls\.ca: .*\n$/);
});

test('pki init never replaces an authority', async () => {
  const cwd = await folder();
  const { code, stderr } = await sangate(['pki', 'init'], { cwd });
  expect(code).toBe(1);
  expect(stderr).toContain('certs/ca.crt exists');
});

test('pki issue writes the files that it names, and replaces them only by force', async () => {
  const cwd = await folder();
  const issue = ['pki', 'issue', 'db1', '--client', '--uri', 'spiffe://example.org/db1'];
  expect((await sangate(issue, { cwd })).stdout).toBe('certs/db1.crt\ncerts/db1.key\n');
  const again = await sangate(issue, { cwd });
  expect(again.code).toBe(1);
  expect(again.stderr).toContain('--force');
  expect((await sangate([...issue, '--force'], { cwd })).code).toBe(0);
});

test('pki issue without an authority says how to make one', async () => {
  const { code, stderr } = await sangate(['pki', 'issue', 'db1', '--client', '--uri', 'spiffe://x/y'], {
    cwd: await temporaryDirectory(),
  });
  expect(code).toBe(1);
  expect(stderr).toContain('sangate pki init');
});

test('the stub says all that is missing, in the words of the command line', async () => {
  const { code, stderr } = await sangate(['stub', '--key', 'db1.key']);
  expect(code).toBe(USAGE);
  const lines = stderr.trimEnd().split('\n');
  expect(lines.map((line) => line.split(': ')[1])).toEqual(['--gateway', '--cert', '--ca']);
});

test('an option of the stub whose value cannot be read is a usage error', async () => {
  const flags = ['--cert', 'a.crt', '--key', 'a.key', '--ca', 'ca.crt', '--gateway', 'gw:0'];
  const { code, stderr } = await sangate(['stub', ...flags]);
  expect(code).toBe(USAGE);
  expect(stderr).toMatch(/^command line: gateways\[0\]: /);
});

test('a stub with certificates that are not there names each of them', async () => {
  const flags = ['--cert', 'no.crt', '--key', 'no.key', '--ca', 'no-ca.crt', '--gateway', '127.0.0.1:1'];
  const { code, stderr } = await sangate(['stub', ...flags, '--listen', '127.0.0.1:0']);
  expect(code).toBe(CONFIGURATION);
  for (const name of ['no.crt', 'no.key', 'no-ca.crt']) expect(stderr).toMatch(`/${name}: does not exist`);
});
