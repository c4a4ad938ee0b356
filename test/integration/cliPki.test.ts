import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { Failure } from '../../src/failures.ts';
import { tlsClientFailure } from '../../src/tls/clientFailure.ts';
import { loadGatewayCredentials } from '../../src/tls/credentials.ts';
import { admitTls, gatewayTlsOptions } from '../../src/tls/gate.ts';
import { sangate } from '../support/commandLine.ts';
import { temporaryDirectory } from '../support/temporaryDirectory.ts';

/** A folder where `sangate pki` has made an authority, a gateway's certificate and those of these clients. */
async function folder(...clients: string[]): Promise<string> {
  const cwd = await temporaryDirectory();
  expect((await sangate(['pki', 'init'], { cwd })).code).toBe(0);
  const server = ['gateway', '--server', '--dns', 'gw.example.org', '--ip', '127.0.0.1'];
  const issued = await Promise.all(
    [server, ...clients.map((name) => [name, '--client', '--uri', `spiffe://example.org/${name}`])].map(
      (args) => sangate(['pki', 'issue', ...args], { cwd }),
    ),
  );
  expect(issued.map(({ code }) => code)).toEqual(issued.map(() => 0));
  return cwd;
}

/** What a gateway that starts now says of a client with this certificate: `in`, or the reason. */
async function verdictOn(cwd: string, name: string): Promise<string> {
  const file = (of: string): string => join(cwd, 'certs', of);
  const credentials = await loadGatewayCredentials({
    cert: file('gateway.crt'),
    key: file('gateway.key'),
    clientCa: file('ca.crt'),
    crl: file('ca.crl'),
  });
  const server = createServer(gatewayTlsOptions(credentials));
  onTestFinished(() => void server.close());
  const verdict = new Promise<string>((resolve) => {
    server.on('tlsClientError', (error) => resolve(tlsClientFailure(error).reason));
    server.on('secureConnection', (socket) => {
      socket.on('error', () => {});
      try {
        admitTls(socket);
        resolve('in');
      } catch (error) {
        resolve(Failure.from(error).reason);
      }
      socket.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const [ca, cert, key] = await Promise.all(
    ['ca.crt', `${name}.crt`, `${name}.key`].map((of) => readFile(file(of))),
  );
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1', ca: ca!, cert: cert!, key: key! });
  client.on('error', () => {});
  client.resume();
  onTestFinished(() => void client.destroy());
  return verdict;
}

interface Listing {
  readonly crl: { readonly number: number; readonly revoked: { readonly serial: string }[] };
  readonly certificates: {
    readonly name: string;
    readonly state: string;
    readonly serial: string;
    readonly names: object;
    readonly usage: string[];
  }[];
}

async function listing(cwd: string): Promise<Listing> {
  const { code, stdout, stderr } = await sangate(['pki', 'list', '--json'], { cwd });
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Listing;
}

test('who is revoked is refused by a gateway that has the new list, and nobody else', async () => {
  const cwd = await folder('db1', 'db2');
  expect(await verdictOn(cwd, 'db2')).toBe('in');
  const { code, stdout, stderr } = await sangate(['pki', 'revoke', 'db2'], { cwd });
  expect([code, stdout]).toEqual([0, 'certs/ca.crl\n']);
  expect(stderr).toContain('is revoked. Revocation list 2 is valid until');
  expect(stderr).toContain('the gateway reads it by itself');
  expect(await verdictOn(cwd, 'db2')).toBe('revoked_cert');
  expect(await verdictOn(cwd, 'db1')).toBe('in');

  const again = await sangate(['pki', 'revoke', 'db2'], { cwd });
  expect([again.code, again.stdout]).toEqual([0, 'certs/ca.crl\n']);
  expect(again.stderr).toMatch(
    /^db2 \(serial number [0-9A-F]{34}\) was revoked already, at .*Z: the list stays/,
  );

  expect((await sangate(['pki', 'renew-crl', '--crl-days', '7'], { cwd })).code).toBe(0);
  expect(await verdictOn(cwd, 'db2')).toBe('revoked_cert');
  expect(await verdictOn(cwd, 'db1')).toBe('in');
});

test('whoever revokes a certificate of a gateway hears that no stub will know', async () => {
  const cwd = await folder('db1');
  for (const again of [false, true]) {
    const { code, stderr } = await sangate(['pki', 'revoke', 'gateway'], { cwd });
    expect(code).toBe(0);
    expect(stderr.includes('was revoked already')).toBe(again);
    expect(stderr).toContain('stubs look at no revocation list');
    expect(stderr).toContain('needs a new authority');
    expect(stderr).not.toContain('It holds once');
  }
  expect((await sangate(['pki', 'revoke', 'db1'], { cwd })).stderr).not.toContain('stubs');
  expect((await sangate(['pki', 'revoke', '0xA1'], { cwd })).stderr).toContain(
    'If it is that of a gateway, ',
  );
});

test('revoke takes a fingerprint, as the log has it and as OpenSSL writes it', async () => {
  const cwd = await folder('db1', 'db2');
  const { fingerprint256 } = new X509Certificate(await readFile(join(cwd, 'certs', 'db1.crt')));
  const asLogged = fingerprint256.replaceAll(':', '').toLowerCase();
  expect((await sangate(['pki', 'revoke', asLogged], { cwd })).code).toBe(0);
  expect((await sangate(['pki', 'revoke', fingerprint256], { cwd })).stderr).toContain('was revoked already');
  expect([await verdictOn(cwd, 'db1'), await verdictOn(cwd, 'db2')]).toEqual(['revoked_cert', 'in']);
  const unknown = await sangate(['pki', 'revoke', 'ab'.repeat(32)], { cwd });
  expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('give its serial number')]);
});

test('two processes that revoke at once both get their certificate onto the list', async () => {
  const cwd = await folder();
  const revoked = await Promise.all(
    ['0xA1', '0xA2', '0xA3'].map((serial) => sangate(['pki', 'revoke', serial], { cwd })),
  );
  expect(revoked.map(({ code }) => code)).toEqual([0, 0, 0]);
  for (const { stderr } of revoked) expect(stderr).toContain('is taken as it is given');
  const { crl } = await listing(cwd);
  expect(crl.number).toBe(4);
  expect(crl.revoked.map(({ serial }) => serial).sort()).toEqual(['A1', 'A2', 'A3']);
});

test('pki list --json says of every certificate who it is and whether it is revoked', async () => {
  const cwd = await folder('db1', 'db2');
  await sangate(['pki', 'revoke', 'db2'], { cwd });
  const { crl, certificates } = await listing(cwd);
  expect(certificates).toMatchObject([
    {
      name: 'db1',
      state: 'valid',
      usage: ['client'],
      names: { cn: 'db1', uri: ['spiffe://example.org/db1'] },
      daysLeft: 824,
      revokedAt: null,
    },
    { name: 'db2', state: 'revoked', revokedAt: expect.stringMatching(/Z$/) },
    {
      name: 'gateway',
      state: 'valid',
      usage: ['server'],
      names: { dns: ['gw.example.org'], ip: ['127.0.0.1'] },
    },
  ]);
  expect(crl).toMatchObject({ number: 2, revoked: [{ serial: certificates[1]!.serial }] });
});

test('pki list is a table of 80 columns at most, and needs no private key', async () => {
  const cwd = await folder('db1', 'db2');
  await sangate(['pki', 'revoke', 'db2'], { cwd });
  await sangate(['pki', 'revoke', '0xA1'], { cwd });
  await rm(join(cwd, 'certs', 'ca.key'));
  const { code, stdout } = await sangate(['pki', 'list'], { cwd });
  expect(code).toBe(0);
  expect(
    stdout
      .replaceAll(/\d{4}-\d\d-\d\d/g, 'YYYY-MM-DD')
      .replaceAll(/\b[0-9A-F]{34}\b/g, 'SERIAL')
      .replaceAll(/\b[0-9a-f]{64}\b/g, 'FINGERPRINT'),
  ).toBe(`\
authority: until YYYY-MM-DD (3649 days)
revocation list: number 3, 2 revoked, next by YYYY-MM-DD (3649 days)

NAME     USAGE   NOT AFTER    DAYS  STATE
db1      client  YYYY-MM-DD    824  valid
  serial SERIAL
  sha256 FINGERPRINT
  uri spiffe://example.org/db1
db2      client  YYYY-MM-DD    824  revoked YYYY-MM-DD
  serial SERIAL
  sha256 FINGERPRINT
  uri spiffe://example.org/db2
gateway  server  YYYY-MM-DD    824  valid
  serial SERIAL
  sha256 FINGERPRINT
  dns gw.example.org
  ip 127.0.0.1

revoked, without a file here:
  serial A1, YYYY-MM-DD
`);
  expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80);
});

test.each([
  ['the authority itself', ['revoke', 'ca'], 'is the authority itself'],
  ['a name that is not there', ['revoke', 'db1'], 'sangate pki list'],
  ['a directory without an authority', ['revoke', 'db1', '--dir', 'none'], 'sangate pki init'],
])('pki refuses %s with a message, not with a stack', async (_what, args, message) => {
  const cwd = await folder();
  const { code, stdout, stderr } = await sangate(['pki', ...args], { cwd });
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toContain(message);
  expect(stderr).not.toContain('    at ');
});
