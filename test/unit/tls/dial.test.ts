import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { explainDialFailure } from '../../../src/tls/dial.ts';

test.each([
  ['SELF_SIGNED_CERT_IN_CHAIN', /does not come from our CA: compare the stub's ca/],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /does not come from our CA: compare the stub's ca/],
  ['CERT_HAS_EXPIRED', /not in date: renew it, or compare the clocks/],
  ['ERR_SSL_WRONG_VERSION_NUMBER', /does not speak TLS: check that host and port/],
  ['ECONNREFUSED', /is the gateway running, is a firewall between/],
  ['ENOTFOUND', /the name cannot be resolved: check how it is written under gateways/],
  ['EAI_AGAIN', /the name cannot be resolved: check how it is written under gateways/],
])('%s is told with what to do about it', (code, told) => {
  expect(explainDialFailure(Object.assign(new Error('as OpenSSL says'), { code })).message).toMatch(told);
});

test("a name that does not fit is told with the certificate's names", () => {
  const error = Object.assign(new Error('IP: 127.0.0.1 is not in the cert list'), {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    host: '127.0.0.1',
    cert: { subjectaltname: 'DNS:gw.example.org' },
  });
  expect(explainDialFailure(error as never).message).toMatch(
    /is not for 127\.0\.0\.1 but for DNS:gw\.example\.org: dial a name that it has, or give that as serverName/,
  );
});

test('a refused connection is told with the address that a name has led to', () => {
  const error = Object.assign(new Error('connect ECONNREFUSED 192.0.2.1:3261'), { code: 'ECONNREFUSED' });
  expect(explainDialFailure(error).message).toContain('(connect ECONNREFUSED 192.0.2.1:3261)');
});

test('several refused addresses of one name, of which Node says nothing, are told by their code', () => {
  const error = Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' });
  expect(explainDialFailure(error).message).toContain('(ECONNREFUSED)');
});

test.each([
  ['ends', (socket: net.Socket) => void socket.end()],
  ['resets', (socket: net.Socket) => void socket.resetAndDestroy()],
])('a peer that %s the connection instead of TLS may be no gateway', async (_, leave) => {
  const server = net.createServer((socket) => socket.on('error', () => {}).once('data', () => leave(socket)));
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const [error] = (await once(tls.connect({ host: '127.0.0.1', port }), 'error')) as [Error];
  expect(explainDialFailure(error).message).toMatch(
    /^the peer closed the connection before TLS was established: check that host and port are those of a sangate gateway; if they are, its log says why/,
  );
});

test('an error that says enough is left as it is', () => {
  const error = Object.assign(new Error('connect EHOSTUNREACH 127.0.0.1:3261'), { code: 'EHOSTUNREACH' });
  expect(explainDialFailure(error)).toBe(error);
});
