import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { accessAt, type Access } from '../../../src/admin/access.ts';
import { answer, type AdminSource } from '../../../src/admin/answer.ts';

const SOURCE: AdminSource = {
  metrics: () => Promise.resolve({ contentType: 'text/plain', body: 'metrics 1\n' }),
  isReady: () => false,
  control: { sessions: () => [], kill: () => true, explain: () => expect.unreachable() },
};

function request(method: string, url: string, headers: Record<string, string> = {}): IncomingMessage {
  return Object.assign(new IncomingMessage(new Socket()), { method, url, headers });
}

test.each<[string, string, boolean, Access]>([
  ['127.0.0.1', 'IPv4', false, 'loopback'],
  ['127.200.0.1', 'IPv4', false, 'loopback'],
  ['::1', 'IPv6', false, 'loopback'],
  ['0.0.0.0', 'IPv4', false, 'open'],
  ['::', 'IPv6', false, 'open'],
  ['::ffff:127.0.0.1', 'IPv6', false, 'open'],
  ['10.0.0.1', 'IPv4', false, 'open'],
  ['0.0.0.0', 'IPv4', true, 'tls'],
  ['127.0.0.1', 'IPv4', true, 'tls'],
])('%s (%s), TLS %s, is %s', (address, family, hasTls, access) => {
  expect(accessAt({ address, family, port: 1 }, hasTls)).toBe(access);
});

test('a path is a unix socket', () => {
  expect(accessAt('/run/sangate/admin.sock', false)).toBe('socket');
});

test('an open listener serves metrics and health under any name', async () => {
  const served = ['/metrics', '/healthz', '/readyz'].map((path) =>
    answer(request('GET', path, { host: 'gw.example.org:9260', origin: 'x' }), 'open', SOURCE),
  );
  expect((await Promise.all(served)).map(({ status }) => status)).toEqual([200, 200, 503]);
});

test.each([
  'GET /sessions',
  'HEAD /sessions',
  'POST /sessions',
  'DELETE /sessions/7',
  'GET /sessions/7',
  'GET /explain?initiator=db1',
])('an open listener refuses %s and says what to configure', async (line) => {
  const [method, path] = line.split(' ') as [string, string];
  const reply = await answer(request(method, path, { host: '127.0.0.1' }), 'open', SOURCE);
  expect(reply.status).toBe(403);
  expect(reply.body).toMatch(/admin\.tls.*127\.0\.0\.1:9260.*unix:/);
});

test('a listener with TLS serves nobody whose certificate was not verified, whatever let them in', async () => {
  const unverified = Object.assign(request('GET', '/metrics'), { socket: { authorized: false } });
  expect((await answer(unverified, 'tls', SOURCE)).status).toBe(403);
});

test('a stub has no sessions and no rules', async () => {
  const { control: _control, ...stub } = SOURCE;
  for (const [method, path, why] of [
    ['GET', '/sessions', 'a stub knows no sessions'],
    ['DELETE', '/sessions/7', 'a stub knows no sessions'],
    ['GET', '/explain?initiator=db1', 'a stub has no rules'],
  ] as const) {
    const reply = await answer(request(method, path), 'loopback', stub);
    expect([reply.status, reply.body]).toEqual([404, `${why}: ask the gateway\n`]);
  }
});
