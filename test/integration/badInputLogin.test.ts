import { expect, test } from 'vitest';
import { Offset } from '../../src/iscsi/bhs.ts';
import { encodePdu } from '../../src/iscsi/pdu.ts';
import { encodeText } from '../../src/iscsi/text.ts';
import { encodeProxyHeader, PROXY_SIGNATURE } from '../../src/transport/proxyHeader.ts';
import {
  DB1,
  DISK1,
  IDENTITY,
  identity,
  loginRequest,
  OPENING,
  securityRequest,
} from '../support/loginPdus.ts';
import { useSite } from '../support/site.ts';

/** Any target is the array's, but for one. */
const { site, target } = useSite({}, (pdu, connection) => {
  const isUnknown = pdu.data.includes('TargetName=iqn.2026-01.org.example:disk-none');
  if (isUnknown) connection.refuse(pdu, 0x0203);
  return isUnknown;
});

/** A request whose header says what its data does not hold. */
function withHeader(request: Buffer, at: number, value: number): Buffer {
  const changed = Buffer.from(request);
  changed[at] = value;
  return changed;
}

const withAhs = withHeader(
  Buffer.concat([loginRequest(IDENTITY), Buffer.alloc(4)]),
  Offset.totalAhsLength,
  1,
);
const withHugeData = withHeader(loginRequest(IDENTITY), Offset.dataSegmentLength, 0xff);
const ALIAS = 'InitiatorAlias';

test.each([
  ['HTTP', Buffer.from('GET /index.html HTTP/1.1\r\nHost: gateway.example.org\r\n\r\n'), 'not_iscsi'],
  ['SSH', Buffer.from('SSH-2.0-OpenSSH_9.2p1\r\n'), 'not_iscsi'],
  ['another PDU than Login', encodePdu('nopOut', { final: true }), 'not_iscsi'],
  ['a Login Request with additional headers', withAhs, 'protocol_error'],
  ['a Login Request with 16 MiB of data', withHugeData, 'protocol_error'],
  [
    'a PROXY header with a broken signature',
    Buffer.from(`\r\n\r\n\0\r\nQUIX\n${'x'.repeat(32)}`),
    'proxy_header',
  ],
  [
    'a PROXY header of 64 KiB',
    Buffer.concat([PROXY_SIGNATURE, Buffer.of(0x21, 0x11, 0xff, 0xff)]),
    'proxy_header',
  ],
  [
    'a PROXY header over UDP',
    Buffer.concat([PROXY_SIGNATURE, Buffer.of(0x21, 0x12, 0, 12), Buffer.alloc(12)]),
    'proxy_header',
  ],
])('%s as the first bytes in the tunnel ends it without an answer', async (_, bytes, reason) => {
  const initiator = await site().connect();
  initiator.send(bytes);
  await initiator.closed;
  expect(initiator.received).toEqual([]);
  const line = await site().log.line({ msg: 'login denied' });
  expect(line).toMatchObject({ reason, told: 'connection closed', certificate: 'spiffe://sangate/db1' });
});

test.each([
  ['in stage 2', loginRequest(IDENTITY, { currentStage: 2 }), 'a Login Request in stage 2'],
  ['in stage 3', loginRequest(IDENTITY, { currentStage: 3 }), 'a Login Request in stage 3'],
  ['that transits to stage 2', loginRequest(IDENTITY, { nextStage: 2 }), 'from stage 1 to 2'],
  ['that transits backwards', loginRequest(IDENTITY, { nextStage: 0 }), 'from stage 1 to 0'],
  ['with T and C', loginRequest(IDENTITY, { continues: true }), 'both T and C'],
  ['with a key of 64 bytes', loginRequest([...IDENTITY, ['X'.repeat(64), '1']]), 'key_too_long'],
  ['with a value of 256 bytes', loginRequest([...IDENTITY, [ALIAS, 'x'.repeat(256)]]), 'value_too_long'],
  ['with a key twice', loginRequest([...IDENTITY, ['InitiatorName', DB1]]), 'InitiatorName came twice'],
  [
    'with a key without a value',
    encodePdu('loginRequest', OPENING, Buffer.from('InitiatorName\0')),
    'bad_text',
  ],
  [
    'with text that does not end',
    encodePdu('loginRequest', OPENING, Buffer.from(`InitiatorName=${DB1}`)),
    'bad_text',
  ],
  [
    'with a path for a name',
    loginRequest(identity({ InitiatorName: 'iqn.2026-01.org.example:../../etc' })),
    'bad_name',
  ],
])('a Login Request %s gets 0200', async (_, request, detail) => {
  const initiator = await site().connect();
  expect(await initiator.exchange(request)).toMatchObject({ status: 0x0200, initiatorTaskTag: 7 });
  await initiator.closed;
  const line = await site().log.line({ msg: 'login denied' });
  expect(line).toMatchObject({ reason: 'protocol_error', told: '0200 initiatorError' });
  expect(line['detail']).toContain(detail);
});

test.each([
  ['additional headers', withAhs, 'header_too_long'],
  ['16 MiB of data', withHugeData, 'data_segment_too_long'],
])('a later Login Request with %s gets 0200', async (_, request, detail) => {
  const initiator = await site().connect();
  await initiator.exchange(securityRequest([...IDENTITY, ['AuthMethod', 'None']]));
  expect(await initiator.exchange(request)).toMatchObject({ status: 0x0200 });
  await initiator.closed;
  const line = await site().log.line({ msg: 'login denied', reason: 'protocol_error' });
  expect(line['detail']).toContain(detail);
});

test.each([
  ['17 pieces', 17, Buffer.alloc(1), 'too_many_pieces'],
  ['more than 8192 bytes', 2, Buffer.alloc(4100), 'text_too_long'],
])('a Login text of %s gets 0200', async (_, count, piece, detail) => {
  const initiator = await site().connect();
  const request = encodePdu('loginRequest', { ...OPENING, transit: false, continues: true }, piece);
  for (let i = 1; i < count; i++) expect(await initiator.exchange(request)).toMatchObject({ status: 0 });
  expect(await initiator.exchange(request)).toMatchObject({ status: 0x0200 });
  await initiator.closed;
  const line = await site().log.line({ msg: 'login denied', reason: 'protocol_error' });
  expect(line['detail']).toContain(detail);
});

test('a login that never ends is ended with 0200', async () => {
  const initiator = await site().connect();
  let response = await initiator.exchange(securityRequest([...IDENTITY, ['AuthMethod', 'None']]));
  let rounds = 1;
  for (; response?.status === 0; rounds++) response = await initiator.exchange(securityRequest([]));
  expect(response).toMatchObject({ status: 0x0200 });
  expect(rounds).toBeLessThan(40);
  expect(await site().log.line({ msg: 'login denied' })).toMatchObject({ reason: 'protocol_error' });
});

test.each([
  ['no InitiatorName', loginRequest([['SessionType', 'Discovery']]), 0x0207, 'missing_parameter'],
  ['no TargetName', loginRequest([['InitiatorName', DB1]]), 0x0207, 'missing_parameter'],
  [
    'a session type of its own',
    loginRequest([
      ['InitiatorName', DB1],
      ['SessionType', 'Fun'],
    ]),
    0x0209,
    'session_type',
  ],
  [
    'a version of its own',
    loginRequest(IDENTITY, { versionMin: 1, versionMax: 1 }),
    0x0205,
    'unsupported_version',
  ],
  ['a forged TSIH', loginRequest(IDENTITY, { tsih: 77 }), 0x020a, 'session_does_not_exist'],
  ["nobody's name", loginRequest(identity({ InitiatorName: `${DB1}-nobody` })), 0x0202, 'unknown_initiator'],
])('a login with %s is refused', async (_, request, status, reason) => {
  const initiator = await site().connect();
  expect(await initiator.exchange(request)).toMatchObject({ status });
  await initiator.closed;
  expect(await site().log.line({ msg: 'login denied' })).toMatchObject({ reason });
});

test('a name that the certificate may not speak for gets 0202, and the log names the rule and its place', async () => {
  const initiator = await site().connect();
  const request = loginRequest(identity({ InitiatorName: `${DB1}-2` }));
  expect(await initiator.exchange(request)).toMatchObject({ status: 0x0202 });
  const line = await site().log.line({ msg: 'login denied', reason: 'iqn_mismatch' });
  expect(line['detail']).toMatch(/rule db2 \(.*gateway\.yaml:\d+:\d+\) wants uri spiffe:\/\/sangate\/db2/);
});

test('an address outside "from" gets 0202, and the log names the rule and its place', async () => {
  const initiator = await site().connect({ localAddress: '127.0.0.9' });
  expect(await initiator.exchange(loginRequest(IDENTITY))).toMatchObject({ status: 0x0202 });
  const line = await site().log.line({ msg: 'login denied', reason: 'address_denied' });
  expect(line).toMatchObject({ address: '127.0.0.9', initiator: DB1 });
  expect(line['detail']).toMatch(/127\.0\.0\.9 is outside "from" of rule db1 \(.*gateway\.yaml:\d+:\d+\)/);
});

test('a PROXY header changes nothing about the address that "from" judges', async () => {
  const initiator = await site().connect({ localAddress: '127.0.0.9' });
  const here = { host: '127.0.0.1', port: 3260 };
  initiator.send(encodeProxyHeader({ source: here, destination: here }));
  expect(await initiator.exchange(loginRequest(IDENTITY))).toMatchObject({ status: 0x0202 });
  await site().log.line({ msg: 'login denied', reason: 'address_denied', address: '127.0.0.9' });
});

test('a denied target and one that does not exist get the very same bytes', async () => {
  const answerTo = async (TargetName: string): Promise<string> => {
    const initiator = await site().connect();
    const response = await initiator.exchange(loginRequest(identity({ TargetName })));
    expect(response).toMatchObject({ status: 0x0203 });
    await initiator.closed;
    return Buffer.concat(initiator.received).toString('hex');
  };
  expect(await answerTo('iqn.2026-01.org.example:secret')).toBe(
    await answerTo('iqn.2026-01.org.example:disk-none'),
  );
  const denied = await site().log.line({ msg: 'login denied', reason: 'acl_denied' });
  expect(denied['detail']).toMatch(/no access entry of rule db1 \(.*gateway\.yaml:\d+:\d+\) covers/);
  await site().log.line({ msg: 'login denied', reason: 'target_not_found', backend: 'array1' });
});

test('another initiator name in mid-login gets 0200, and the array is left at once', async () => {
  const before = target().connections.length;
  const initiator = await site().connect();
  const first = securityRequest([...IDENTITY, ['AuthMethod', 'None']], { transit: true, nextStage: 1 });
  expect(await initiator.exchange(first)).toMatchObject({ status: 0, transit: true });
  const second = loginRequest([['InitiatorName', `${DB1}-2`]]);
  expect(await initiator.exchange(second)).toMatchObject({ status: 0x0200 });
  const line = await site().log.line({ msg: 'login denied', reason: 'protocol_error' });
  expect(line['detail']).toContain('InitiatorName changed during login');
  await target().connections[before]!.closed;
});

test('an initiator name injected after login is refused and never reaches the array', async () => {
  const initiator = await site().connect();
  const sessions = target().sessions.length;
  await initiator.logIn();
  const session = await target().session(sessions);
  const answer = await initiator.text([['InitiatorName', `${DB1}-2`]]);
  expect(answer).toEqual([encodeText([['InitiatorName', 'Reject']])]);
  const line = await site().log.line({ msg: 'request denied' });
  expect(line).toMatchObject({ target: DISK1, what: 'text keys in full feature phase: InitiatorName' });
  await initiator.ping();
  expect(Buffer.concat(session.received.map(({ data }) => data)).toString()).not.toContain(`${DB1}-2`);
});

test('a Login Request after login ends the session', async () => {
  const initiator = await site().connect();
  await initiator.logIn();
  initiator.send(loginRequest(IDENTITY));
  await initiator.closed;
  const line = await site().log.line({ msg: 'session ended', reason: 'protocol_error' });
  expect(line).toMatchObject({ target: DISK1, by: 'initiator' });
});
