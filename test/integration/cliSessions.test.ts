import { mkdir, readFile, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadGatewayCredentials } from '../../src/tls/credentials.ts';
import { adminTlsOptions } from '../../src/tls/listenerOptions.ts';
import { AdminListener, SESSION } from '../support/adminListener.ts';
import { saveTestPki, testPki } from '../support/certificates.ts';
import { sangate } from '../support/commandLine.ts';
import { temporaryDirectory } from '../support/temporaryDirectory.ts';

const USAGE = 64;
const CONFIGURATION = 78;

const at = ({ port }: AdminListener): string[] => ['--admin', `127.0.0.1:${port}`];

/** A folder with a gateway's configuration that names secrets and certificates which are not there. */
async function folder(admin: string): Promise<string> {
  const cwd = await temporaryDirectory();
  await writeFile(
    join(cwd, 'gateway.yaml'),
    `listen: [{ address: "127.0.0.1:0", tls: { cert: no.crt, key: no.key, clientCa: no-ca.crt } }]
backends: { array1: { portals: [127.0.0.1], chap: { user: sangate, secret: { file: unreadable } } } }
initiators:
  db1:
    iqn: iqn.1993-08.org.debian:01:db1
    certificate: { uri: "spiffe://example.org/db1" }
    from: [127.0.0.1]
    chap: { user: db1, secret: { env: SANGATE_TEST_NOT_SET } }
    access: [{ target: "iqn.2026-01.org.example:*" }]
admin: ${admin}
`,
  );
  return cwd;
}

test('sessions shows who is on what', async () => {
  const { code, stdout, stderr } = await sangate(['sessions', ...at(await AdminListener.start())]);
  expect([code, stderr]).toEqual([0, '']);
  for (const part of [
    SESSION.initiator,
    SESSION.target,
    '2026-11-22 13:03',
    '1.2 GiB',
    '540 MiB',
    'array1',
  ]) {
    expect(stdout).toContain(part);
  }
});

test('sessions --json prints one document, the list', async () => {
  const listener = await AdminListener.start({}, [SESSION, { ...SESSION, id: 8 }]);
  const { code, stdout } = await sangate(['sessions', '--json', ...at(listener)]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual([SESSION, { ...SESSION, id: 8 }]);
});

test('no sessions are said, and are an empty list to a program', async () => {
  const listener = await AdminListener.start({}, []);
  expect((await sangate(['sessions', ...at(listener)])).stdout).toBe('no sessions\n');
  expect((await sangate(['sessions', '--json', ...at(listener)])).stdout).toBe('[]\n');
});

test('names from the wire cannot write to the terminal, as a table or as JSON', async () => {
  const hostile = 'iqn.2026-01.org.example:\u001b]0;owned\u0007\u001b[2J\u009b2J\r\n\u202e';
  const listener = await AdminListener.start({}, [{ ...SESSION, initiator: hostile, target: hostile }]);
  const outputs = await Promise.all(
    [['sessions'], ['sessions', '--json'], ['kill', '7']].map((args) => sangate([...args, ...at(listener)])),
  );
  for (const { code, stdout, stderr } of outputs) {
    expect(code).toBe(0);
    expect(`${stdout}${stderr}`.replaceAll('\n', '')).toMatch(/^[^\p{C}]+$/u);
  }
  expect(JSON.parse(outputs[1]!.stdout)).toMatchObject([{ initiator: hostile }]);
});

test('kill ends each session that it names and says which that was', async () => {
  const listener = await AdminListener.start({}, [SESSION, { ...SESSION, id: 9 }]);
  const { code, stdout, stderr } = await sangate(['kill', '7', '9', '7', ...at(listener)]);
  const of = `of ${SESSION.initiator} on ${SESSION.target}`;
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toBe(`session 7 ${of} ended\nsession 9 ${of} ended\n`);
  expect(listener.killed.map(({ id }) => id)).toEqual([7, 9]);
});

test('kill of a session that is not there fails, and ends the others all the same', async () => {
  const listener = await AdminListener.start();
  const { code, stdout, stderr } = await sangate(['kill', '8', '7', ...at(listener)]);
  expect(code).toBe(1);
  expect(stdout).toContain('session 7');
  expect(stderr).toBe('warning: there is no session 8\n');
});

test.each(['0', '-1', '7.5', '07', 'x', '..', '1e3', `1${'0'.repeat(400)}`])(
  'kill %s is a usage error, and nobody is asked',
  async (id) => {
    const { code, stderr } = await sangate(['kill', '--', id]);
    expect(code).toBe(USAGE);
    expect(stderr).toContain('whole number from 1');
  },
);

test('a gateway that does not run is said with the address that was tried, and what to pass', async () => {
  const listener = await AdminListener.start();
  await listener.server.close();
  const { code, stderr } = await sangate(['sessions', ...at(listener)]);
  expect(code).toBe(1);
  expect(stderr).toContain(`cannot be asked at 127.0.0.1:${listener.port}: nobody listens there`);
  for (const way of ['is the gateway running?', '--admin', '--config']) expect(stderr).toContain(way);
});

test('a unix socket that is not there is named', async () => {
  const path = join(await temporaryDirectory(), 'admin.sock');
  const { code, stderr } = await sangate(['sessions', '--admin', `unix:${path}`]);
  expect(code).toBe(1);
  expect(stderr).toContain(`unix:${path}: nobody listens there`);
});

test('--config leads to the socket of the configuration, without its secrets and certificates', async () => {
  const cwd = await folder('{ address: "unix:run/admin.sock" }');
  await mkdir(join(cwd, 'run'));
  const listener = await AdminListener.start({ address: { socket: join(cwd, 'run', 'admin.sock') } });
  const { code, stderr } = await sangate(['kill', '7', '-c', join(cwd, 'gateway.yaml')]);
  expect([code, stderr]).toEqual([0, '']);
  expect(listener.killed).toEqual([{ id: 7, by: 'unix socket' }]);
});

test('--config of a listener at every address leads to loopback', async () => {
  const listener = await AdminListener.start();
  const cwd = await folder(`{ address: "0.0.0.0:${listener.port}" }`);
  expect((await sangate(['sessions', '-c', 'gateway.yaml'], { cwd })).code).toBe(0);
});

test('where the address of the configuration has nobody, it may be that of the start that still holds', async () => {
  const listener = await AdminListener.start();
  await listener.server.close();
  const cwd = await folder(`{ address: "127.0.0.1:${listener.port}" }`);
  const { code, stderr } = await sangate(['sessions', '-c', 'gateway.yaml'], { cwd });
  expect(code).toBe(1);
  expect(stderr).toContain(
    'may have changed since the start: that holds after a restart; give the old one with --admin',
  );
  expect(stderr).not.toContain('--config');
});

test.each([
  ['turns admin off', 'false', 'turns the admin listener off'],
  ['leaves the port to the kernel', '{ address: "127.0.0.1:0" }', 'say with --admin'],
  ['has TLS', '{ tls: { cert: a, key: b, clientCa: c } }', '--cert, --key and --ca'],
])('a configuration that %s says what to do', async (_what, admin, message) => {
  const { code, stderr } = await sangate(['sessions', '-c', 'gateway.yaml'], { cwd: await folder(admin) });
  expect(code).toBe(USAGE);
  expect(stderr).toContain(message);
});

test('a mistake in the configuration is told with its line', async () => {
  const cwd = await folder('{ adress: "127.0.0.1:1" }');
  const { code, stderr } = await sangate(['sessions', '-c', 'gateway.yaml'], { cwd });
  expect(code).toBe(CONFIGURATION);
  expect(stderr).toMatch(/^gateway\.yaml:10:10: admin\.adress: unknown key/);
});

test.each([
  ['two addresses', ['--admin', '127.0.0.1:1', '--config', 'x'], 'give one of them'],
  ['a name without TLS', ['--server-name', 'gw.example.org'], '--cert, --key and --ca together'],
  ['half of a certificate', ['--cert', 'a.crt'], '--cert, --key and --ca together'],
  ['an address that is none', ['--admin', 'http://127.0.0.1:9260'], 'without a scheme'],
  ['a socket without a path', ['--admin', 'unix:'], 'unix:/run/sangate/admin.sock'],
])('%s is a usage error', async (_what, args, message) => {
  const { code, stderr } = await sangate(['sessions', ...args]);
  expect(code).toBe(USAGE);
  expect(stderr).toContain(message);
});

test('with TLS, a certificate of an operator opens and one that was revoked does not', async () => {
  const path = await saveTestPki(await temporaryDirectory());
  const files = {
    cert: path('gateway.crt'),
    key: path('gateway.key'),
    clientCa: path('ca.crt'),
    crl: path('ca.crl'),
  };
  const tls = adminTlsOptions(await loadGatewayCredentials(files));
  const listener = await AdminListener.start({ tls });
  const as = (name: string, ca = 'ca.crt') =>
    sangate([
      'kill',
      '7',
      ...at(listener),
      '--cert',
      path(`${name}.crt`),
      '--key',
      path(`${name}.key`),
      '--ca',
      path(ca),
    ]);
  expect((await as('client')).stdout).toMatch(/^session 7 /);
  const revoked = await as('revoked');
  expect([revoked.code, revoked.stderr]).toEqual([1, expect.stringContaining('refuses this certificate')]);
  expect(listener.killed).toHaveLength(1);
});

/** A listener at loopback whose certificate names gw.example.org alone, and an operator's flags for it. */
async function startElsewhereNamed(): Promise<{ listener: AdminListener; cwd: string; operator: string[] }> {
  const cwd = await folder('false');
  const path = await saveTestPki(cwd);
  const { issue } = await testPki();
  const { cert, key } = await issue({ usage: 'server', dns: ['gw.example.org'], uri: [] });
  await writeFile(path('gateway.crt'), cert);
  await writeFile(path('gateway.key'), key);
  const files = { cert: path('gateway.crt'), key: path('gateway.key'), clientCa: path('ca.crt') };
  const listener = await AdminListener.start({ tls: adminTlsOptions(await loadGatewayCredentials(files)) });
  const operator = ['--cert', path('client.crt'), '--key', path('client.key'), '--ca', path('ca.crt')];
  return { listener, cwd, operator };
}

test.each([['sessions'], ['kill', '7'], ['explain', '-i', 'db1'], ['top', '--once', '--interval', '0.5']])(
  '%s takes the name in the certificate, if it is not the host, and says so where it is missing',
  async (...command) => {
    const { listener, operator } = await startElsewhereNamed();
    const args = [...command, ...at(listener), ...operator];
    const unnamed = await sangate(args);
    expect([unnamed.code, unnamed.stderr]).toEqual([1, expect.stringContaining('--server-name')]);
    const wrong = await sangate([...args, '--server-name', 'gw.example.com']);
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('another name')]);
    const named = await sangate([...args, '--server-name', 'gw.example.org']);
    expect(named.stderr).not.toContain('another name');
  },
);

test('on the gateway’s own machine the configuration’s certificate says what name to expect', async () => {
  const { listener, cwd, operator } = await startElsewhereNamed();
  const configured = `{ address: "127.0.0.1:${listener.port}", tls: { cert: gateway.crt, key: gateway.key, clientCa: operators.crt } }`;
  const file = join(cwd, 'gateway.yaml');
  await writeFile(file, (await readFile(file, 'utf8')).replace('admin: false', `admin: ${configured}`));
  const { code, stderr } = await sangate(['sessions', '-c', 'gateway.yaml', ...operator], { cwd });
  expect([code, stderr]).toEqual([0, '']);
});

test('an authority that did not sign the gateway’s certificate is not trusted', async () => {
  const path = await saveTestPki(await temporaryDirectory());
  const other = await saveTestPki(await temporaryDirectory());
  await writeFile(other('ca.crt'), (await testPki()).strangerCa);
  const files = { cert: path('gateway.crt'), key: path('gateway.key'), clientCa: path('ca.crt') };
  const listener = await AdminListener.start({ tls: adminTlsOptions(await loadGatewayCredentials(files)) });
  const own = ['--cert', path('client.crt'), '--key', path('client.key'), '--ca', other('ca.crt')];
  const { code, stderr } = await sangate(['sessions', ...at(listener), ...own]);
  expect([code, stderr]).toEqual([1, expect.stringContaining('--ca')]);
  const plain = await sangate(['sessions', ...at(listener)]);
  expect([plain.code, plain.stderr]).toEqual([1, expect.stringContaining('give --cert, --key and --ca')]);
});

test('what is refused is told in the words of the listener', async () => {
  const listener = await AdminListener.start({ control: undefined as never });
  const { code, stderr } = await sangate(['sessions', ...at(listener)]);
  expect(code).toBe(1);
  expect(stderr).toBe(
    `error: the admin listener at 127.0.0.1:${listener.port} answers 404: a stub knows no sessions: ask the gateway\n`,
  );
});

test.each([
  ['speaks something else', 'SSH-2.0-OpenSSH_9.2\r\n', '--admin'],
  ['hangs up', '', '--admin'],
  ['says something else', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}', 'no gateway of this version'],
  [
    'answers with escape sequences',
    'HTTP/1.1 500 x\r\nContent-Length: 6\r\n\r\n\u001b[2J\r\n',
    'answers 500: \u{fffd}[2J',
  ],
])('a program that %s is no gateway', async (_what, bytes, message) => {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(bytes));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as net.AddressInfo;
  const { code, stderr } = await sangate(['sessions', '--admin', `127.0.0.1:${port}`]);
  expect(code).toBe(1);
  expect(stderr).toContain(message);
  expect(stderr).not.toContain('    at ');
  expect(stderr.replaceAll('\n', '')).toMatch(/^[^\p{C}]+$/u);
});
