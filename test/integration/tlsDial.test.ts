import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import {
  connect,
  createServer,
  type ConnectionOptions,
  type Server,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { Secret } from '../../src/policy/secret.ts';
import type { StubCredentials } from '../../src/tls/credentials.ts';
import { askForLeafOnly, checkGateway, stubTlsOptions, type GatewayName } from '../../src/tls/dial.ts';
import { testPki } from '../support/certificates.ts';

async function listen(differing: TlsOptions = {}): Promise<Server> {
  const { gateway, ca } = await testPki();
  const server = createServer({
    ...gateway,
    ca,
    requestCert: true,
    ALPNProtocols: ['sangate'],
    ...differing,
  });
  server.on('secureConnection', (socket) => socket.on('error', () => {}).resume());
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return server;
}

/** Always dials 127.0.0.1; the name is what the stub was told. */
async function dial(
  server: Server,
  name: GatewayName,
  differing: ConnectionOptions = {},
): Promise<TLSSocket> {
  const { client, ca } = await testPki();
  const credentials: StubCredentials = {
    cert: Buffer.from(client.cert),
    key: new Secret(Buffer.from(client.key)),
    ca: Buffer.from(ca),
    notAfter: 0,
    warnings: [],
  };
  const { port } = server.address() as AddressInfo;
  const socket = connect({ ...stubTlsOptions(credentials, name), host: '127.0.0.1', port, ...differing });
  askForLeafOnly(socket);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

test.each([
  ['a host name', { host: 'localhost' }, 'localhost'],
  ['a host name with the dot of the root', { host: 'localhost.' }, 'localhost'],
  ['an address, without SNI', { host: '127.0.0.1' }, false],
  ['an IPv6 address in another spelling', { host: '0:0:0:0:0:0:0:1' }, false],
  ['a server name that differs from the host', { host: '10.0.0.1', serverName: 'localhost' }, 'localhost'],
] as const)('the stub finds the gateway by %s', async (_, name, sni) => {
  const server = await listen();
  const seen = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  const socket = await dial(server, name);
  expect(() => checkGateway(socket)).not.toThrow();
  const [accepted] = await seen;
  expect(accepted.servername).toBe(sni);
  expect(accepted.authorized).toBe(true);
});

test.each([
  { host: 'gw.example.org' },
  { host: '127.0.0.2' },
  { host: '127.0.0.1', serverName: 'gw.example.org' },
])('a certificate that does not name %j is refused', async (name) => {
  const server = await listen();
  await expect(dial(server, name)).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
});

test("a stranger's gateway is refused", async () => {
  const { stranger } = await testPki();
  const server = await listen(stranger);
  await expect(dial(server, { host: 'localhost' })).rejects.toMatchObject({
    code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  });
});

test("a client's certificate does not make a gateway", async () => {
  const { issue } = await testPki();
  const server = await listen(await issue({ usage: 'client', dns: ['localhost'] }));
  await expect(dial(server, { host: 'localhost' })).rejects.toMatchObject({ code: 'INVALID_PURPOSE' });
});

test('a gateway that speaks no more than TLS 1.2 is refused', async () => {
  const server = await listen({ maxVersion: 'TLSv1.2' });
  await expect(dial(server, { host: 'localhost' })).rejects.toMatchObject({
    code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
  });
});

test('a TLS server that does not know our protocol is no gateway', async () => {
  const server = await listen({ ALPNProtocols: undefined });
  const socket = await dial(server, { host: 'localhost' });
  expect(() => checkGateway(socket)).toThrow(
    expect.objectContaining({ reason: 'tls_handshake', message: expect.stringContaining('ALPN "sangate"') }),
  );
});

test('a gateway that was not verified is refused even where the connection came about', async () => {
  const { stranger } = await testPki();
  const socket = await dial(await listen(stranger), { host: 'localhost' }, { rejectUnauthorized: false });
  expect(() => checkGateway(socket)).toThrow('was not verified');
});
