import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect as connectTcp, type AddressInfo } from 'node:net';
import {
  connect,
  createServer,
  type ConnectionOptions,
  type Server,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { Failure } from '../../src/failures.ts';
import { signCertificate, validFor } from '../../src/pki/certificate.ts';
import type { CertificateIdentity } from '../../src/policy/subject.ts';
import { tlsClientFailure } from '../../src/tls/clientFailure.ts';
import { loadGatewayCredentials, type GatewayCredentials } from '../../src/tls/credentials.ts';
import { admitTls, gatewayTlsOptions } from '../../src/tls/gate.ts';
import { daysAgo, saveTestPki, testPki, type PemPair } from '../support/certificates.ts';
import { ecPki } from '../support/ecCertificates.ts';
import { temporaryDirectory } from '../support/temporaryDirectory.ts';

type Verdict = CertificateIdentity | Failure;

/** What the gateway listens with: the test CA, and its CRL unless told. */
async function credentials(differing: { ca?: string; crl?: string } = {}): Promise<GatewayCredentials> {
  const path = await saveTestPki(await temporaryDirectory());
  const { ca, crl } = differing;
  if (ca !== undefined) await writeFile(path('ca.crt'), ca);
  if (crl !== undefined) await writeFile(path('ca.crl'), crl);
  return loadGatewayCredentials({
    cert: path('gateway.crt'),
    key: path('gateway.key'),
    clientCa: path('ca.crt'),
    crl: path('ca.crl'),
  });
}

/** A listener that puts everybody through the gate; `verdicts[n]` is on the n-th who comes, from 0. */
async function listen(
  options: TlsOptions,
): Promise<{ server: Server; port: number; verdicts: Promise<Verdict>[] }> {
  const server = createServer(options);
  const verdicts: Promise<Verdict>[] = [];
  const settle: ((verdict: Verdict) => void)[] = [];
  const expectOne = (): void => void verdicts.push(new Promise((resolve) => settle.push(resolve)));
  expectOne();
  const next = (value: Verdict): void => {
    settle.at(-1)!(value);
    expectOne();
  };
  server.on('tlsClientError', (error) => next(tlsClientFailure(error)));
  server.on('secureConnection', (socket) => {
    socket.on('error', () => {});
    try {
      next(admitTls(socket));
      socket.end('welcome');
    } catch (error) {
      socket.destroy();
      next(Failure.from(error));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { server, port: (server.address() as AddressInfo).port, verdicts };
}

async function dial(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const { ca } = await testPki();
  const socket = connect({ port, host: '127.0.0.1', ca, ALPNProtocols: ['sangate'], ...options });
  socket.on('error', () => {});
  socket.resume();
  onTestFinished(() => void socket.destroy());
  return socket;
}

async function verdictOn(client: ConnectionOptions, gateway: TlsOptions): Promise<Verdict> {
  const { port, verdicts } = await listen(gateway);
  await dial(port, client);
  return verdicts[0]!;
}

const pair = ({ cert, key }: PemPair): ConnectionOptions => ({ cert, key });

test('a client with a certificate of our authority comes in as who it is', async () => {
  const { client } = await testPki();
  const verdict = await verdictOn(pair(client), gatewayTlsOptions(await credentials()));
  expect(verdict).toMatchObject({ cn: 'db1', uri: ['spiffe://sangate/db1'] });
});

test('a client without ALPN comes in, as stunnel does', async () => {
  const { client, ca } = await testPki();
  const { port, verdicts } = await listen(gatewayTlsOptions(await credentials()));
  const socket = connect({ port, host: '127.0.0.1', ca, ...pair(client) });
  onTestFinished(() => void socket.destroy());
  expect(await verdicts[0]).toMatchObject({ cn: 'db1' });
});

test('a client with an EC certificate of an EC authority comes in', async () => {
  const ec = ecPki();
  const { crl: _, ...withoutCrl } = await credentials({ ca: ec.ca });
  const verdict = await verdictOn(pair(ec.client), gatewayTlsOptions(withoutCrl));
  expect(verdict).toMatchObject({ cn: 'ec1' });
});

test('a client without a certificate is refused for just that', async () => {
  const verdict = await verdictOn({}, gatewayTlsOptions(await credentials()));
  expect(verdict).toMatchObject({ reason: 'no_cert', wire: 'close' });
});

test.each([
  ['stranger', 'unknown_ca', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ['expired', 'expired_cert', 'CERT_HAS_EXPIRED'],
  ['revoked', 'revoked_cert', 'CERT_REVOKED'],
  ['gateway', 'bad_cert', 'INVALID_PURPOSE'],
] as const)('a client with the certificate "%s" is refused as %s', async (name, reason, code) => {
  const pki = await testPki();
  const verdict = await verdictOn(pair(pki[name]), gatewayTlsOptions(await credentials()));
  expect(verdict).toMatchObject({ reason, wire: 'close', message: expect.stringContaining(code) });
});

test('a self-signed certificate is of an unknown authority', async () => {
  const { key } = (await testPki()).client;
  const name = [{ name: 'commonName', value: 'db1' }];
  const contents = {
    subject: name,
    issuer: name,
    validity: validFor(1, new Date()),
    publicKeyPem: createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString(),
    extensions: [{ name: 'extKeyUsage', clientAuth: true }],
  };
  const self = { cert: signCertificate(contents, key), key };
  const verdict = await verdictOn(pair(self), gatewayTlsOptions(await credentials()));
  expect(verdict).toMatchObject({ reason: 'unknown_ca' });
});

test("a client that shows a stranger's whole chain is of an unknown authority", async () => {
  const { stranger, strangerCa } = await testPki();
  const chain = { cert: stranger.cert + strangerCa, key: stranger.key };
  const verdict = await verdictOn(pair(chain), gatewayTlsOptions(await credentials()));
  expect(verdict).toMatchObject({ reason: 'unknown_ca' });
});

test('a certificate with more than one fault stays out', async () => {
  const { expired, crlOf } = await testPki();
  const revokedToo = await credentials({ crl: crlOf([expired.cert], daysAgo(60)) });
  const verdict = await verdictOn(pair(expired), gatewayTlsOptions(revokedToo));
  expect(verdict).toMatchObject({ wire: 'close' });
});

test('a certificate that is not valid yet is refused', async () => {
  const { issue } = await testPki();
  const early = await issue({ now: daysAgo(-2) });
  const verdict = await verdictOn(pair(early), gatewayTlsOptions(await credentials()));
  expect(verdict).toMatchObject({
    reason: 'bad_cert',
    message: expect.stringContaining('CERT_NOT_YET_VALID'),
  });
});

test('an expired CRL refuses everybody and says why', async () => {
  const { client, crlOf } = await testPki();
  const expired = await credentials({ crl: crlOf([], daysAgo(60)) });
  const verdict = await verdictOn(pair(client), gatewayTlsOptions(expired));
  expect(verdict).toMatchObject({
    reason: 'bad_cert',
    message: expect.stringMatching(/^CRL_HAS_EXPIRED .*install a newer one/),
  });
});

test('an authority without a CRL beside one that has one lets nobody in', async () => {
  const ec = ecPki();
  const both = await credentials({ ca: (await testPki()).ca + ec.ca });
  const verdict = await verdictOn(pair(ec.client), gatewayTlsOptions(both));
  expect(verdict).toMatchObject({
    reason: 'unknown_ca',
    message: expect.stringContaining('UNABLE_TO_GET_CRL'),
  });
});

test('a client that was refused reads nothing', async () => {
  const { port, verdicts } = await listen(gatewayTlsOptions(await credentials()));
  const socket = await dial(port, pair((await testPki()).stranger));
  const received: Buffer[] = [];
  socket.on('data', (chunk) => received.push(chunk));
  await once(socket, 'close');
  expect(await verdicts[0]).toBeInstanceOf(Failure);
  expect(received).toEqual([]);
});

test('a client that speaks no more than TLS 1.2 fails in the handshake', async () => {
  const options: ConnectionOptions = { ...pair((await testPki()).client), maxVersion: 'TLSv1.2' };
  expect(await verdictOn(options, gatewayTlsOptions(await credentials()))).toMatchObject({
    reason: 'tls_handshake',
    message: 'ERR_SSL_UNSUPPORTED_PROTOCOL: the peer does not speak TLS 1.3',
  });
});

test('a client that offers another protocol in ALPN fails in the handshake', async () => {
  const options: ConnectionOptions = { ...pair((await testPki()).client), ALPNProtocols: ['http/1.1'] };
  expect(await verdictOn(options, gatewayTlsOptions(await credentials()))).toMatchObject({
    reason: 'tls_handshake',
    message: expect.stringContaining('ALPN'),
  });
});

test('a client that does not know our authority fails in the handshake', async () => {
  const options: ConnectionOptions = { ...pair((await testPki()).client), ca: ecPki().ca };
  expect(await verdictOn(options, gatewayTlsOptions(await credentials()))).toMatchObject({
    reason: 'tls_handshake',
  });
});

const LOGIN_REQUEST = Buffer.concat([
  Buffer.from([0x43, 0x87, 0, 0, 0, 0, 0, 44]),
  Buffer.alloc(40),
  Buffer.from('InitiatorName=iqn.1993-08.org.debian:01:db1\0'),
]);

test.each([
  ['an iSCSI Login Request', LOGIN_REQUEST, 'ERR_SSL_WRONG_VERSION_NUMBER'],
  ['an HTTP request', Buffer.from('GET /metrics HTTP/1.1\r\n\r\n'), 'ERR_SSL_HTTP_REQUEST'],
  ['an HTTP CONNECT', Buffer.from('CONNECT gw:1 HTTP/1.1\r\n\r\n'), 'ERR_SSL_HTTPS_PROXY_REQUEST'],
  [
    'a PROXY header in the clear',
    Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n'),
    'ERR_SSL_WRONG_VERSION_NUMBER',
  ],
])('%s on the TLS port is not TLS', async (_, bytes, code) => {
  const { port, verdicts } = await listen(gatewayTlsOptions(await credentials()));
  const socket = connectTcp(port, '127.0.0.1');
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  socket.write(bytes);
  expect(await verdicts[0]).toMatchObject({ reason: 'not_tls', message: expect.stringContaining(code) });
});

test('a peer that says nothing is cut off as a handshake that took too long', async () => {
  const { port, verdicts } = await listen({
    ...gatewayTlsOptions(await credentials()),
    handshakeTimeout: 20,
  });
  const socket = connectTcp(port, '127.0.0.1');
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  expect(await verdicts[0]).toMatchObject({
    reason: 'tls_handshake',
    message: expect.stringContaining('ERR_TLS_HANDSHAKE_TIMEOUT'),
  });
});

test('a peer that hangs up in the handshake is a failed handshake', async () => {
  const { port, verdicts } = await listen(gatewayTlsOptions(await credentials()));
  connectTcp(port, '127.0.0.1').end('\x16\x03\x01');
  expect(await verdicts[0]).toMatchObject({
    reason: 'tls_handshake',
    message: expect.stringContaining('ECONNRESET'),
  });
});

/** Comes in, takes the last session ticket that the server gives out, and waits for the end. */
async function ticketOf(port: number, client: PemPair): Promise<Buffer | undefined> {
  const socket = await dial(port, pair(client));
  let ticket: Buffer | undefined;
  socket.on('session', (session) => (ticket = session));
  await once(socket, 'close');
  return ticket;
}

test('a client that offers an earlier session goes through the whole handshake again', async () => {
  const { client } = await testPki();
  const { port, verdicts } = await listen(gatewayTlsOptions(await credentials()));
  const session = await ticketOf(port, client);
  const socket = await dial(port, { ...pair(client), ...(session && { session }) });
  await once(socket, 'secureConnect');
  expect(socket.isSessionReused()).toBe(false);
  expect(await verdicts[1]).toMatchObject({ cn: 'db1' });
});

test('a client that was revoked since does not come in with its earlier session', async () => {
  const { client, crlOf } = await testPki();
  const { server, port, verdicts } = await listen(gatewayTlsOptions(await credentials()));
  const session = await ticketOf(port, client);
  server.setSecureContext(gatewayTlsOptions(await credentials({ crl: crlOf([client.cert]) })));
  await dial(port, { ...pair(client), ...(session && { session }) });
  expect(await verdicts[0]).toMatchObject({ cn: 'db1' });
  expect(await verdicts[1]).toMatchObject({ reason: 'revoked_cert' });
});

test('after a reload the gateway still gives out nothing to resume and still wants TLS 1.3', async () => {
  const { client } = await testPki();
  const { server, port, verdicts } = await listen(gatewayTlsOptions(await credentials()));
  server.setSecureContext(gatewayTlsOptions(await credentials()));
  const session = await ticketOf(port, client);
  const again = await dial(port, { ...pair(client), ...(session && { session }) });
  await once(again, 'secureConnect');
  expect(again.isSessionReused()).toBe(false);
  await verdicts[1];
  await dial(port, { ...pair(client), maxVersion: 'TLSv1.2' });
  expect(await verdicts[2]).toMatchObject({ reason: 'tls_handshake' });
});

test('the gate refuses a resumed session even where a listener would allow it', async () => {
  const { client } = await testPki();
  const { port, verdicts } = await listen({ ...gatewayTlsOptions(await credentials()), secureOptions: 0 });
  const session = await ticketOf(port, client);
  await dial(port, { ...pair(client), ...(session && { session }) });
  expect(await verdicts[1]).toMatchObject({
    reason: 'tls_handshake',
    message: expect.stringContaining('resumed'),
  });
});

test('the gate refuses TLS 1.2 even where a listener would allow it', async () => {
  const { client } = await testPki();
  const lax = { ...gatewayTlsOptions(await credentials()), minVersion: 'TLSv1.2' as const };
  const verdict = await verdictOn({ ...pair(client), maxVersion: 'TLSv1.2' }, lax);
  expect(verdict).toMatchObject({ reason: 'tls_handshake', message: expect.stringContaining('TLSv1.2') });
});
