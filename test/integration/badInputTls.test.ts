import { expect, test } from 'vitest';
import { testPki } from '../support/certificates.ts';
import { IDENTITY, loginRequest } from '../support/loginPdus.ts';
import { useSite } from '../support/site.ts';

const { site, target } = useSite();

test.each([
  ['a plain Login Request', loginRequest(IDENTITY), 'must come through a stub'],
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'HTTP'],
])('%s instead of TLS ends the connection as not_tls', async (_, bytes, hint) => {
  const initiator = await site().connectPlain();
  initiator.send(bytes);
  await initiator.closed;
  const line = await site().log.line({ msg: 'tunnel refused', reason: 'not_tls' });
  expect(line).toMatchObject({ address: '127.0.0.1', told: 'connection closed' });
  expect(line['detail']).toContain(hint);
});

test('a peer without a certificate is cut off as no_cert before it can say a word', async () => {
  const initiator = await site().connect({ cert: undefined, key: undefined });
  initiator.send(loginRequest(IDENTITY));
  await initiator.closed;
  expect(initiator.received).toEqual([]);
  expect(await site().log.line({ msg: 'tunnel refused' })).toMatchObject({ reason: 'no_cert' });
});

test.each([
  ["a stranger's certificate", 'stranger', 'unknown_ca'],
  ['an expired certificate', 'expired', 'expired_cert'],
  ['a revoked certificate', 'revoked', 'revoked_cert'],
  ["a server's certificate", 'gateway', 'bad_cert'],
] as const)('a peer with %s is cut off before it can say a word', async (_, name, reason) => {
  const { cert, key } = (await testPki())[name];
  const initiator = await site().connect({ cert, key });
  initiator.send(loginRequest(IDENTITY));
  await initiator.closed;
  expect(initiator.received).toEqual([]);
  const line = await site().log.line({ msg: 'tunnel refused' });
  expect(line).toMatchObject({ reason, told: 'connection closed' });
  expect(line['detail']).toMatch(/certificate of "CN=[^"]*" with serial [0-9A-F]+/);
});

test('a peer that offers another ALPN protocol is cut off in the handshake', async () => {
  const initiator = await site().connect({ ALPNProtocols: ['h2'] });
  await initiator.closed;
  const line = await site().log.line({ msg: 'tunnel refused' });
  expect(line).toMatchObject({ reason: 'tls_handshake', told: 'connection closed' });
});

test('nobody whom TLS refuses reaches the array', async () => {
  const before = target().connections.length;
  const { cert, key } = (await testPki()).stranger;
  const initiator = await site().connect({ cert, key });
  initiator.send(loginRequest(IDENTITY));
  await initiator.closed;
  await site().log.line({ msg: 'tunnel refused' });
  expect(target().connections).toHaveLength(before);
});

test('a tunnel that is tampered with during login ends as peer_closed, not as a fault of the gateway', async () => {
  const initiator = await site().connect();
  await site().log.line({ msg: 'tunnel open' });
  initiator.send(loginRequest(IDENTITY).subarray(0, 48));
  initiator.tamper(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  await initiator.closed;
  const line = await site().log.line({ msg: 'login denied' });
  expect(line).toMatchObject({ level: 'warn', reason: 'peer_closed', told: 'connection closed' });
  expect(line).not.toHaveProperty('stack');
});

test('a tunnel that is tampered with while it waits for its initiator ends as peer_closed too', async () => {
  const initiator = await site().connect();
  await site().log.line({ msg: 'tunnel open' });
  initiator.tamper(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  await initiator.closed;
  const line = await site().log.line({ msg: 'tunnel closed unused' });
  expect(line).toMatchObject({
    reason: 'peer_closed',
    detail: expect.stringContaining('the connection broke'),
  });
});

test('a tunnel that is tampered with ends its session, and the log says that the connection broke', async () => {
  const initiator = await site().connect();
  await initiator.logIn();
  initiator.tamper(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  await initiator.closed;
  const line = await site().log.line({ msg: 'session ended' });
  expect(line).toMatchObject({ by: 'initiator', reason: 'peer_closed' });
  expect(line['detail']).toContain('the connection broke');
});
