import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import net, { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { InitiatorSession } from '../../src/initiator/initiatorSession.ts';
import { CHAP_ALGORITHMS } from '../../src/policy/chapRequirement.ts';
import { Secret } from '../../src/policy/secret.ts';
import { CommandLine, sangate } from '../support/commandLine.ts';
import { DB1, DISK1 } from '../support/loginPdus.ts';
import { temporaryDirectory } from '../support/temporaryDirectory.ts';

const USAGE = 64;
const AT = ['--listen', '127.0.0.1:0'];

/** A port that is in use until the test is over. */
async function usedPort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** A folder with certificates for both sides, and a gateway's configuration. */
async function folder(port: number): Promise<string> {
  const cwd = await temporaryDirectory();
  await sangate(['pki', 'init'], { cwd });
  await sangate(['pki', 'issue', 'gw', '--server', '--ip', '127.0.0.1'], { cwd });
  await sangate(['pki', 'issue', 'db1', '--client', '--uri', 'spiffe://example.org/db1'], { cwd });
  const tls = 'tls: { cert: certs/gw.crt, key: certs/gw.key, clientCa: certs/ca.crt, crl: certs/ca.crl }';
  const db1 = 'certificate: { uri: "spiffe://example.org/db1" }, from: [127.0.0.0/8]';
  await writeFile(
    join(cwd, 'gateway.yaml'),
    `listen: [{ address: "127.0.0.1:${port}", ${tls} }]
backends: { array1: { portals: ["127.0.0.1:1"] } }
initiators: { db1: { iqn: ${DB1}, ${db1}, access: [{ target: "iqn.2026-01.org.example:*" }] } }
admin: { address: "127.0.0.1:0" }
`,
  );
  return cwd;
}

const STUB = ['--cert', 'certs/db1.crt', '--key', 'certs/db1.key', '--ca', 'certs/ca.crt'];

test.each(['gateway', 'stub', 'target'])('a port in use ends %s with code 1, and is named', async (role) => {
  const port = await usedPort();
  const cwd = await folder(port);
  const args = {
    gateway: ['--config', 'gateway.yaml'],
    stub: [...STUB, '--gateway', '127.0.0.1:1', '--listen', `127.0.0.1:${port}`],
    target: ['--memory', '1M', '--listen', `127.0.0.1:${port}`],
  }[role]!;
  const { code, stderr } = await sangate([role, ...args], { cwd });
  expect(code).toBe(1);
  expect(stderr).toBe(
    `error: cannot listen at 127.0.0.1:${port}: another program listens there — stop it, or choose another port\n`,
  );
});

test.each(['gateway', 'stub', 'target'])('SIGTERM ends %s with code 0', async (role) => {
  const cwd = await folder(0);
  const args = {
    gateway: ['--config', 'gateway.yaml'],
    stub: [...STUB, '--gateway', '127.0.0.1:1', ...AT],
    target: ['--memory', '1M', ...AT],
  }[role]!;
  const service = new CommandLine([role, ...args], { cwd });
  expect((await service.log('listening'))['role']).toBe(role);
  service.child.kill('SIGTERM');
  const { code, stdout } = await service.exit();
  expect([code, stdout]).toEqual([0, '']);
});

test('SIGTERM ends a target that somebody uses', async () => {
  const target = new CommandLine(['target', '--memory', '1M', '--name', DISK1, ...AT]);
  const socket = net.connect((await target.log('listening'))['port'] as number, '127.0.0.1');
  const session = await InitiatorSession.open(socket, DISK1, { initiatorName: DB1 });
  target.child.kill('SIGTERM');
  expect((await target.exit()).code).toBe(0);
  await expect(session.ping()).rejects.toThrow(/closed the connection|ECONNRESET/);
});

test('a target beyond loopback wants CHAP, or to be told that anyone may come', async () => {
  const open = ['target', '--memory', '1M', '--listen', '0.0.0.0:0'];
  const { code, stderr } = await sangate(open);
  expect(code).toBe(USAGE);
  for (const way of ['--chap-user', '127.0.0.1', '--allow-anyone']) expect(stderr).toContain(way);
});

test('a target asks for the CHAP secret of its file and shows it nowhere', async () => {
  const cwd = await temporaryDirectory();
  const secret = randomBytes(12).toString('hex');
  await writeFile(join(cwd, 'secret'), `${secret}\n`, { mode: 0o600 });
  const flags = ['--chap-user', 'db1', '--chap-secret-file', 'secret', '--name', DISK1];
  const target = new CommandLine(['target', '--memory', '1M', ...AT, ...flags], { cwd });
  const port = (await target.log('listening'))['port'] as number;
  const connect = (): net.Socket => net.connect(port, '127.0.0.1');
  await expect(InitiatorSession.open(connect(), DISK1, { initiatorName: DB1 })).rejects.toThrow();
  const chap = { user: 'db1', secret: new Secret(Buffer.from(secret)), algorithms: CHAP_ALGORITHMS };
  const session = await InitiatorSession.open(connect(), DISK1, { initiatorName: DB1, chap });
  await session.logout();
  target.child.kill('SIGTERM');
  const { stderr } = await target.exit();
  expect(stderr).toContain('login denied');
  expect(stderr).toContain('login allowed');
  expect(stderr).not.toContain(secret);
});

test.skipIf(process.platform === 'win32')(
  'a secret that others may read is refused, and not shown',
  async () => {
    const cwd = await temporaryDirectory();
    await writeFile(join(cwd, 'secret'), 'correct horse battery', { mode: 0o644 });
    const flags = ['--chap-user', 'db1', '--chap-secret-file', 'secret'];
    const { code, stderr } = await sangate(['target', '--memory', '1M', ...AT, ...flags], { cwd });
    expect(code).toBe(USAGE);
    expect(stderr).toContain('chmod 600');
    expect(stderr).not.toContain('horse');
  },
);

test('a file that is not there is not made unless its size is told', async () => {
  const cwd = await temporaryDirectory();
  const { code, stderr } = await sangate(['target', '--file', 'disk.img', ...AT], { cwd });
  expect(code).toBe(1);
  expect(stderr).toContain('disk.img does not exist; give a size (--create 10G)');
});

test('demo --once proves itself and ends', { timeout: 120_000 }, async () => {
  const { code, stdout, stderr } = await sangate(['demo', '--once']);
  expect({ code, stderr, failed: stdout.includes('✗') }).toMatchObject({ code: 0, failed: false });
  expect(stdout).toContain('All of it held.');
});
