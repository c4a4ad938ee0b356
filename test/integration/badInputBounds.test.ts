import { expect, test } from 'vitest';
import { IDENTITY, loginRequest, securityRequest } from '../support/loginPdus.ts';
import { useSite } from '../support/site.ts';

const PLACES = 4;
const { site, target } = useSite(
  { limits: { loginSeconds: 1, unauthenticatedPerAddress: PLACES } },
  // Silent where somebody negotiates under this alias.
  (pdu) => pdu.data.includes('InitiatorAlias=mute'),
);

test('a peer that connects and says nothing is cut off when the time for a login is over', async () => {
  const peer = await site().connectPlain();
  await peer.closed;
  const line = await site().log.line({ msg: 'tunnel refused' });
  expect(line).toMatchObject({ reason: 'tls_handshake', told: 'connection closed' });
  expect(line['detail']).toContain('in time');
});

test.each(['end', 'reset'] as const)(
  'a peer that hangs up (%s) in its handshake is told of with its address',
  async (how) => {
    const peer = await site().connectPlain();
    peer.send(Buffer.of(22, 3, 1));
    peer[how]();
    await peer.closed;
    const line = await site().log.line({ msg: 'tunnel refused' });
    expect(line).toMatchObject({ reason: 'tls_handshake', address: '127.0.0.1' });
  },
);

test('a peer that says nothing in its tunnel, and is no stub, is cut off as login_timeout', async () => {
  const initiator = await site().connect({ ALPNProtocols: [] });
  await initiator.closed;
  expect(initiator.received).toEqual([]);
  const line = await site().log.line({ msg: 'login denied' });
  expect(line).toMatchObject({ reason: 'login_timeout', detail: 'the login was not done within 1 s' });
});

test('a login that stops half way is cut off as login_timeout', async () => {
  const initiator = await site().connect();
  await initiator.exchange(securityRequest([...IDENTITY, ['AuthMethod', 'None']]));
  await initiator.closed;
  await site().log.line({ msg: 'login denied', reason: 'login_timeout' });
});

test('a login that trickles in byte by byte is cut off as login_timeout', async () => {
  const initiator = await site().connect();
  const request = loginRequest(IDENTITY);
  const trickle = setInterval(() => initiator.send(request.subarray(0, 1)), 50);
  await initiator.closed;
  clearInterval(trickle);
  await site().log.line({ msg: 'login denied', reason: 'login_timeout' });
});

test('a login that an array never answers is cut off, and so is the array', async () => {
  const before = target().connections.length;
  const initiator = await site().connect();
  initiator.send(loginRequest([...IDENTITY, ['InitiatorAlias', 'mute']]));
  await initiator.closed;
  await site().log.line({ msg: 'login denied', reason: 'login_timeout', backend: 'array1' });
  await target().connections[before]!.closed;
});

test.each(['end', 'reset'] as const)(
  'an initiator that goes (%s) while the array is to answer leaves no connection behind',
  async (how) => {
    const before = target().connections.length;
    const initiator = await site().connect();
    initiator.send(loginRequest([...IDENTITY, ['InitiatorAlias', 'mute']]));
    const connection = await target().connection(
      (one) =>
        target().connections.indexOf(one) >= before && one.received.some(({ data }) => data.includes('mute')),
    );
    initiator[how]();
    await site().log.line({ msg: 'login denied', reason: 'peer_closed', backend: 'array1' });
    await connection.closed;
  },
);

test('connections beyond the bound are closed at once, one log line tells of all, and a place is free again afterwards', async () => {
  const flood = await Promise.all(Array.from({ length: PLACES + 20 }, () => site().connectPlain()));
  await Promise.all(flood.slice(PLACES).map(({ closed }) => closed));
  const line = await site().log.line({ msg: 'connection refused' });
  expect(line).toMatchObject({ reason: 'too_many_connections', address: '127.0.0.1', suppressed: 0 });
  for (const peer of flood) peer.destroy();
  const rest = await site().log.line({ msg: 'connection refused', suppressed: 18 });
  expect(rest).toMatchObject({ reason: 'too_many_connections' });
  const refused = site().log.lines.filter(({ msg }) => msg === 'tunnel refused');
  expect(refused.length).toBeLessThanOrEqual(PLACES);
  const initiator = await site().connect();
  await initiator.logIn();
  await initiator.ping();
});
