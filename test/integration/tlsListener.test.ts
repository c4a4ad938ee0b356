import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type ConnectionOptions, type Server } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { loadGatewayCredentials, type GatewayCredentials } from '../../src/tls/credentials.ts';
import { adminTlsOptions } from '../../src/tls/listenerOptions.ts';
import { saveTestPki, testPki, type PemPair } from '../support/certificates.ts';
import { temporaryDirectory } from '../support/temporaryDirectory.ts';

async function credentials(crl?: string): Promise<GatewayCredentials> {
  const path = await saveTestPki(await temporaryDirectory());
  if (crl !== undefined) await writeFile(path('ca.crl'), crl);
  return loadGatewayCredentials({
    cert: path('gateway.crt'),
    key: path('gateway.key'),
    clientCa: path('ca.crt'),
    crl: path('ca.crl'),
  });
}

/** A listener that greets whoever TLS lets through. */
async function listen(): Promise<Server> {
  const server = createServer(adminTlsOptions(await credentials()), (socket) => {
    socket.on('error', () => {});
    socket.end('welcome');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return server;
}

/** What it reads until the connection is closed. */
async function greeting(server: Server, client: ConnectionOptions): Promise<string> {
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: '127.0.0.1', ca: (await testPki()).ca, ...client });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString()));
  await new Promise((resolve) => socket.once('close', resolve));
  return text;
}

const pair = ({ cert, key }: PemPair): ConnectionOptions => ({ cert, key });

test('an operator comes in with a certificate of our authority, and needs no ALPN', async () => {
  expect(await greeting(await listen(), pair((await testPki()).client))).toBe('welcome');
});

test.each(['stranger', 'expired', 'revoked', 'gateway'] as const)(
  'the certificate "%s" does not get through the handshake of the admin listener',
  async (name) => {
    expect(await greeting(await listen(), pair((await testPki())[name]))).toBe('');
  },
);

test('nobody gets through the handshake of the admin listener without a certificate', async () => {
  expect(await greeting(await listen(), {})).toBe('');
});

test('the admin listener speaks TLS 1.3 alone', async () => {
  const server = await listen();
  const failed = once(server, 'tlsClientError');
  const client = { ...pair((await testPki()).client), maxVersion: 'TLSv1.2' as const };
  expect(await greeting(server, client)).toBe('');
  expect((await failed)[0]).toMatchObject({ code: 'ERR_SSL_UNSUPPORTED_PROTOCOL' });
});

test('after a reload the admin listener goes by the new list', async () => {
  const server = await listen();
  const { client, crlOf } = await testPki();
  server.setSecureContext(adminTlsOptions(await credentials(crlOf([client.cert]))));
  expect(await greeting(server, pair(client))).toBe('');
});
