import { expect, test } from 'vitest';
import { AdminListener, SESSION } from '../support/adminListener.ts';

test('GET /sessions tells all sessions, and nobody may keep the answer or guess its type', async () => {
  const { status, headers, body } = await (await AdminListener.start()).ask('GET /sessions');
  expect(status).toBe(200);
  expect(JSON.parse(body)).toEqual({ sessions: [SESSION] });
  expect(headers).toMatchObject({
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
  });
});

test('HEAD /sessions has the length of the list, and not the list', async () => {
  const listener = await AdminListener.start();
  const { body } = await listener.ask('GET /sessions');
  const head = await listener.ask('HEAD /sessions');
  expect([head.status, head.body]).toEqual([200, '']);
  expect(head.headers['content-length']).toBe(String(Buffer.byteLength(body)));
});

test('DELETE /sessions/7 ends session 7 and says which that was', async () => {
  const listener = await AdminListener.start();
  const { status, body } = await listener.ask('DELETE /sessions/7');
  expect(status).toBe(202);
  expect(JSON.parse(body)).toEqual({ session: SESSION });
  expect(listener.killed).toEqual([{ id: 7, by: '127.0.0.1' }]);
});

test('a session that is not there cannot be ended', async () => {
  const listener = await AdminListener.start();
  expect((await listener.ask('DELETE /sessions/8')).status).toBe(404);
  expect(listener.killed).toEqual([]);
});

test('a session that ends while it is asked for was not there', async () => {
  const control = { sessions: () => [SESSION], kill: () => false, explain: broken };
  const listener = await AdminListener.start({ control });
  expect((await listener.ask('DELETE /sessions/7')).status).toBe(404);
});

test.each([
  ['is on no list yet', () => []],
  ['cannot be listed', broken],
])('a session that %s is ended all the same', async (_, sessions) => {
  const control = { sessions, kill: (id: number) => id === 7, explain: broken };
  const { status, body } = await (await AdminListener.start({ control })).ask('DELETE /sessions/7');
  expect([status, JSON.parse(body)]).toEqual([202, { session: { id: 7 } }]);
});

test('a session that is listed no more once it ends is told of', async () => {
  let sessions = [SESSION];
  const kill = (): boolean => {
    sessions = [];
    return true;
  };
  const listener = await AdminListener.start({
    control: { sessions: () => sessions, kill, explain: broken },
  });
  const { body } = await listener.ask('DELETE /sessions/7');
  expect(JSON.parse(body)).toEqual({ session: SESSION });
});

test.each([
  '',
  '0',
  '07',
  '+7',
  '-7',
  '7.0',
  '7e0',
  '0x7',
  '%37',
  '7%00',
  '7%2f',
  '7/',
  '7/..',
  '7;x',
  '7?x=1',
  '7#x',
  '../sessions/7',
  '..%2f..%2fetc%2fpasswd',
  'NaN',
  'Infinity',
  'constructor',
  '9007199254740993',
  `1${'0'.repeat(400)}`,
])('/sessions/%s is no session', async (id) => {
  const listener = await AdminListener.start();
  expect((await listener.ask(`DELETE /sessions/${id}`)).status).toBe(404);
  expect(listener.killed).toEqual([]);
});

test.each([
  'GET /../sessions',
  'GET //sessions',
  'GET http://127.0.0.1/sessions',
  'GET /sessions?x',
  'GET /Sessions',
])('%s is not the way there', async (request) => {
  expect((await (await AdminListener.start()).ask(request)).status).toBe(404);
});

test.each([
  ['POST /sessions', 'GET, HEAD'],
  ['DELETE /sessions', 'GET, HEAD'],
  ['GET /sessions/7', 'DELETE'],
  ['POST /sessions/7', 'DELETE'],
  ['DELETE /metrics', 'GET, HEAD'],
  ['PUT /healthz', 'GET, HEAD'],
  ['OPTIONS /readyz', 'GET, HEAD'],
])('%s is not allowed, and what is stands in Allow', async (request, allow) => {
  const listener = await AdminListener.start();
  const { status, headers } = await listener.ask(request);
  expect([status, headers['allow']]).toEqual([405, allow]);
  expect(listener.killed).toEqual([]);
});

test('a fault inside is told as such, without a word about it', async () => {
  const listener = await AdminListener.start({
    control: { sessions: broken, kill: () => true, explain: broken },
  });
  const { status, body } = await listener.ask('GET /sessions');
  expect(status).toBe(500);
  expect(body).not.toContain('like this');
  expect((await listener.ask('GET /healthz')).status).toBe(200);
});

function broken(): never {
  throw new Error('it was like this');
}
