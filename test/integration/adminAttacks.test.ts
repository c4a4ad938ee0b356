import { once } from 'node:events';
import http from 'node:http';
import type { Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { AdminListener, read } from '../support/adminListener.ts';

const CONTROL = ['GET /sessions', 'DELETE /sessions/7', 'GET /explain?initiator=db1'];

test.each([
  'evil.example',
  'evil.example:9260',
  '127.0.0.1.evil.example',
  'localhost.evil.example',
  '127.0.0.1@evil.example',
  '127.0.0.1:9260:80',
  '127.0.0.1 evil.example',
  '127.1',
  '2130706433',
  '0.0.0.0',
  '[::]',
  '[::ffff:127.0.0.1]',
  '10.0.0.1:9260',
  '',
])('a page that lets its own name %s point to loopback gets nothing', async (Host) => {
  const listener = await AdminListener.start();
  for (const request of [...CONTROL, 'GET /metrics', 'GET /nothing']) {
    expect({ request, status: (await listener.ask(request, { Host })).status }).toEqual({
      request,
      status: 403,
    });
  }
  expect(listener.killed).toEqual([]);
  expect(listener.refused[0]!.why).toContain('localhost');
});

test.each([
  '127.0.0.1',
  '127.0.0.1:9260',
  '127.9.8.7:1',
  'localhost',
  'LocalHost:9260',
  '[::1]',
  '[::1]:9260',
])('%s is a name of loopback', async (Host) => {
  expect((await (await AdminListener.start()).ask('GET /sessions', { Host })).status).toBe(200);
});

test('a probe of HTTP/1.0, which has no Host, is served', async () => {
  const listener = await AdminListener.start();
  expect((await listener.send('GET /healthz HTTP/1.0\r\n\r\n')).status).toBe(200);
});

test.each(['https://evil.example', 'null', 'http://127.0.0.1:9260', 'http://localhost'])(
  'a page of %s sees and ends no session and asks for no rule; of metrics, which are served, it can read nothing',
  async (Origin) => {
    const listener = await AdminListener.start();
    for (const request of CONTROL) {
      const { status, headers } = await listener.ask(request, { Origin });
      expect(status).toBe(403);
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
    expect(listener.killed).toEqual([]);
    const { status, headers } = await listener.ask('GET /metrics', { Origin });
    expect([status, headers['cross-origin-resource-policy']]).toEqual([200, 'same-origin']);
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  },
);

test.each([
  ['cross-site', 403],
  ['same-site', 403],
  ['same-origin', 403],
  ['none', 200],
])('what a browser asks for by itself is refused, and not what a person types (%s)', async (site, status) => {
  const listener = await AdminListener.start();
  expect((await listener.ask('GET /sessions', { 'Sec-Fetch-Site': site })).status).toBe(status);
});

test('the question that a browser asks before a DELETE is not answered with yes', async () => {
  const listener = await AdminListener.start();
  const preflight = { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'DELETE' };
  const { status, headers } = await listener.ask('OPTIONS /sessions/7', preflight);
  expect(status).toBe(403);
  expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
});

test('headers above 8 KiB are refused', async () => {
  const listener = await AdminListener.start();
  expect((await listener.ask('GET /healthz', { 'X-Long': 'x'.repeat(7_000) })).status).toBe(200);
  expect((await listener.ask('GET /healthz', { 'X-Long': 'x'.repeat(9_000) })).status).toBe(431);
});

test.each([
  ['of a length', { 'Content-Length': '1000000' }],
  ['in chunks', { 'Transfer-Encoding': 'chunked' }],
])('a body %s is refused unread, and the connection ends', async (_what, headers) => {
  const listener = await AdminListener.start();
  const { status, headers: answered } = await listener.ask('GET /healthz', {
    ...headers,
    Connection: 'keep-alive',
  });
  expect([status, answered['connection']]).toEqual([413, 'close']);
});

test('a request that says two lengths is refused', async () => {
  const listener = await AdminListener.start();
  const headers = { 'Content-Length': '0', 'Transfer-Encoding': 'chunked' };
  expect((await listener.ask('DELETE /sessions/7', headers, '0\r\n\r\n')).status).toBeGreaterThanOrEqual(400);
  expect(listener.killed).toEqual([]);
});

test('who sends nothing, or headers without an end, loses the connection and holds up nobody', async () => {
  const listener = await AdminListener.start();
  const silent = listener.connect();
  const endless = listener.connect();
  const ends = Promise.all([read(silent), read(endless)]);
  endless.write('GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n');
  let sent = 0;
  const drip = setInterval(() => endless.write(`X-${sent++}: x\r\n`), 500);
  expect((await listener.ask('GET /healthz')).status).toBe(200);
  const [, slow] = await ends;
  clearInterval(drip);
  expect([0, 408]).toContain(slow.status);
});

test('there are at most 64 connections, and one that ends makes room', async () => {
  const listener = await AdminListener.start();
  const sockets: Socket[] = [];
  for (let i = 0; i < 64; i++) {
    const socket = listener.connect();
    await once(socket, 'connect');
    sockets.push(socket);
  }
  expect((await listener.ask('GET /healthz')).status).toBe(0);
  expect(listener.refused).toEqual([
    { address: '127.0.0.1', why: expect.stringContaining('64 connections') },
  ]);
  const ended = once(sockets[0]!, 'close');
  sockets[0]!.end('GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n').resume();
  await ended;
  expect((await listener.ask('GET /healthz')).status).toBe(200);
});

test('what is no HTTP is refused', async () => {
  const listener = await AdminListener.start();
  expect((await listener.send('\u0016\u0003\u0001 hello\r\n\r\n')).status).toBe(400);
});

const SCRAPE = 'GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';

/** A listener whose metrics have so many bytes and whose renderings are counted. */
async function startCounting(bytes = 100_000): Promise<{ listener: AdminListener; rendered: () => number }> {
  let rendered = 0;
  const body = 'x'.repeat(bytes);
  const metrics = (): Promise<{ contentType: string; body: string }> => {
    rendered++;
    return Promise.resolve({ contentType: 'text/plain', body });
  };
  return { listener: await AdminListener.start({ metrics }), rendered: () => rendered };
}

test('a thousand requests at once on one connection cost one rendering, and the connection ends', async () => {
  const { listener, rendered } = await startCounting();
  await listener.send(SCRAPE.repeat(1_000));
  expect(rendered()).toBe(1);
  expect(listener.refused).toEqual([{ address: '127.0.0.1', why: expect.stringContaining('before it had') }]);
  expect((await listener.ask('GET /healthz')).status).toBe(200);
});

test('who asks again without having read the answer loses the connection', async () => {
  const { listener } = await startCounting(32 * 1024 * 1024); // more than the kernel holds
  const socket = listener.connect();
  socket.write(SCRAPE);
  await once(socket, 'readable'); // the rest of the answer stays where it is
  const closed = once(
    socket.on('error', () => {}),
    'close',
  );
  socket.write(SCRAPE);
  socket.resume();
  await closed;
  expect(listener.refused).toHaveLength(1);
});

test('however many connections ask for metrics, they are rendered a handful of times a second', async () => {
  const { listener, rendered } = await startCounting();
  const began = performance.now();
  for (let i = 0; i < 5; i++) {
    const answers = await Promise.all(Array.from({ length: 20 }, () => listener.ask('GET /metrics')));
    expect(new Set(answers.map(({ status, body }) => `${status}, ${body.length} bytes`))).toEqual(
      new Set(['200, 100000 bytes']),
    );
  }
  const seconds = 1 + Math.floor((performance.now() - began) / 1000);
  expect(rendered()).toBeLessThanOrEqual(4 * seconds);
});

test('one request after the other is served on one connection', async () => {
  const { listener } = await startCounting();
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const ports = new Set<number | undefined>();
  for (let i = 0; i < 20; i++) {
    const request = http.get({ host: '127.0.0.1', port: listener.port, path: '/metrics', agent });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    ports.add(response.socket.localPort);
    await once(response.resume(), 'end');
  }
  expect(ports.size).toBe(1);
  expect(listener.refused).toEqual([]);
});
