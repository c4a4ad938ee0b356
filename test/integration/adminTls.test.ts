import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { loadGatewayCredentials } from '../../src/tls/credentials.ts';
import { adminTlsOptions } from '../../src/tls/listenerOptions.ts';
import { AdminListener } from '../support/adminListener.ts';
import { saveTestPki, testPki, type PemPair } from '../support/certificates.ts';
import { temporaryDirectory } from '../support/temporaryDirectory.ts';

type Paths = (name: string) => string;

const optionsOf = async (path: Paths) =>
  adminTlsOptions(
    await loadGatewayCredentials({
      cert: path('gateway.crt'),
      key: path('gateway.key'),
      clientCa: path('ca.crt'),
      crl: path('ca.crl'),
    }),
  );

async function start(): Promise<{ listener: AdminListener; path: Paths }> {
  const path = await saveTestPki(await temporaryDirectory());
  return { listener: await AdminListener.start({ tls: await optionsOf(path) }), path };
}

async function ask(
  { port }: AdminListener,
  method: string,
  path: string,
  client: Partial<PemPair>,
  headers: Record<string, string> = {},
): Promise<number> {
  const { ca } = await testPki();
  const tls = { ca, ...client, checkServerIdentity: () => undefined }; // it would be asked for the name in Host
  const request = https.request({ host: '127.0.0.1', port, method, path, agent: false, headers, ...tls });
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  return response.statusCode!;
}

test('whoever has a certificate of an operator sees and ends sessions, and is named', async () => {
  const { listener } = await start();
  const { client } = await testPki();
  expect(await ask(listener, 'GET', '/sessions', client)).toBe(200);
  expect(await ask(listener, 'DELETE', '/sessions/7', client, { Host: 'gw.example.org' })).toBe(202);
  expect(listener.killed).toEqual([{ id: 7, by: 'spiffe://sangate/db1 at 127.0.0.1' }]);
});

test.each([
  ['stranger', 'unknown_ca'],
  ['expired', 'expired_cert'],
  ['revoked', 'revoked_cert'],
] as const)(
  'a certificate that is %s gets nothing, not even metrics, and is told of as %s',
  async (which, reason) => {
    const { listener } = await start();
    const certificate = (await testPki())[which];
    for (const path of ['/sessions', '/metrics', '/healthz']) {
      await expect(ask(listener, 'GET', path, certificate)).rejects.toThrow();
    }
    expect(listener.refused).toHaveLength(3);
    expect(listener.refused[0]).toEqual({ address: '127.0.0.1', why: expect.stringMatching(`^${reason}: `) });
  },
);

test('nobody without a certificate, and nobody without TLS', async () => {
  const { listener } = await start();
  await expect(ask(listener, 'GET', '/metrics', {})).rejects.toThrow();
  expect((await listener.ask('GET /metrics')).status).toBe(0);
  expect(listener.refused.map(({ why }) => why.split(':')[0])).toEqual(['no_cert', 'not_tls']);
});

test('a page in a browser that holds the certificate of an operator ends nothing', async () => {
  const { listener } = await start();
  const { client } = await testPki();
  expect(await ask(listener, 'DELETE', '/sessions/7', client, { Origin: 'https://evil.example' })).toBe(403);
  expect(listener.killed).toEqual([]);
});

test('who opens a connection and says nothing of TLS loses it', async () => {
  const { listener } = await start();
  const socket = listener.connect();
  await once(socket, 'close');
  expect(listener.refused).toEqual([
    { address: '127.0.0.1', why: expect.stringMatching(/^tls_handshake: .*TIMEOUT/) },
  ]);
});

test('new files hold at once, for connections that there are as well', async () => {
  const { listener, path } = await start();
  const { client, ca, revoked, crlOf } = await testPki();
  const standing = connect({ port: listener.port, host: '127.0.0.1', ca, ...client });
  onTestFinished(() => void standing.destroy());
  await once(standing, 'secureConnect');
  const request = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
  let answers = '';
  standing.on('data', (chunk: Buffer) => (answers += chunk.toString())).on('error', () => {});
  standing.write(request);
  await once(standing, 'data');
  await writeFile(path('ca.crl'), crlOf([revoked.cert, client.cert]));
  const closed = once(standing, 'close');
  listener.server.renewTls(await optionsOf(path));
  standing.write(request);
  await closed;
  expect(answers.match(/200 OK/g)).toHaveLength(1);
  await expect(ask(listener, 'GET', '/sessions', client)).rejects.toThrow();
});

test('a handshake that was held back over a renewal does not let in who is revoked since', async () => {
  const { listener, path } = await start();
  const { client, ca, revoked, crlOf } = await testPki();
  const below = listener.connect().on('error', () => {});
  const held: Buffer[] = [];
  let isFirst = true;
  const wire = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      if (isFirst) below.write(chunk);
      else held.push(chunk); // the client's certificate, and all behind it
      isFirst = false;
      done();
    },
  });
  below.on('data', (chunk) => void wire.push(chunk)).on('close', () => void wire.push(null));
  const operator = connect({ socket: wire, ca, ...client, checkServerIdentity: () => undefined });
  let answers = '';
  operator.on('error', () => {}).on('data', (chunk: Buffer) => (answers += chunk.toString()));
  onTestFinished(() => void operator.destroy());
  await once(operator, 'secureConnect');
  await writeFile(path('ca.crl'), crlOf([revoked.cert, client.cert]));
  const closed = new Promise((resolve) => below.once('close', resolve)); // with or without an error
  listener.server.renewTls(await optionsOf(path));
  operator.write('GET /sessions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  for (const chunk of held) below.write(chunk);
  await closed;
  expect(answers).toBe('');
});

test('no session of TLS can be resumed', async () => {
  const { listener } = await start();
  const { client, ca } = await testPki();
  const options = { port: listener.port, host: '127.0.0.1' };
  const first = connect({ ...options, ca, ...client });
  onTestFinished(() => void first.destroy());
  const [session] = (await once(first, 'session')) as [Buffer];
  const second = connect({ ...options, ca, ...client, session });
  onTestFinished(() => void second.destroy());
  await once(second, 'secureConnect');
  expect(second.isSessionReused()).toBe(false);
});
