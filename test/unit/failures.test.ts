import { expect, test } from 'vitest';
import { describeWire, Failure, FAILURE_REASONS } from '../../src/failures.ts';
import { LoginStatus } from '../../src/iscsi/loginStatus.ts';
import { ProtocolError } from '../../src/iscsi/protocolError.ts';

test.each([
  ['protocol_error', 0x0200],
  ['auth_method', 0x0201],
  ['chap', 0x0201],
  ['unknown_initiator', 0x0202],
  ['iqn_mismatch', 0x0202],
  ['address_denied', 0x0202],
  ['acl_denied', 0x0203],
  ['target_not_found', 0x0203],
  ['unsupported_version', 0x0205],
  ['missing_parameter', 0x0207],
  ['session_type', 0x0209],
  ['session_does_not_exist', 0x020a],
  ['invalid_during_login', 0x020b],
  ['backend_protocol', 0x0300],
  ['internal_error', 0x0300],
  ['backend_down', 0x0301],
  ['backend_auth', 0x0301],
  ['shutting_down', 0x0301],
] as const)('%s is told to the initiator as status %i', (reason, status) => {
  expect(new Failure(reason, '').wire).toBe(status);
});

test.each(['not_tls', 'no_cert', 'not_iscsi', 'login_timeout', 'proxy_header', 'peer_closed'] as const)(
  '%s closes the connection without an answer',
  (reason) => {
    expect(new Failure(reason, '').wire).toBe('close');
  },
);

test('no failure of ours is told as success or as a redirect', () => {
  for (const reason of FAILURE_REASONS) {
    const { wire } = new Failure(reason, '');
    if (wire !== 'close') expect([2, 3]).toContain(wire >>> 8);
  }
});

test("a status of the array's own goes to the initiator in place of the mapping's", () => {
  expect(new Failure('backend_refused', '', { wire: 0x0206 }).wire).toBe(0x0206);
});

test('a failure stays itself', () => {
  const failure = new Failure('chap', 'wrong');
  expect(Failure.from(failure)).toBe(failure);
});

test('a broken rule of the protocol is an initiator error that names the rule', () => {
  const error = new ProtocolError('duplicate_key', 'CHAP_N came twice');
  const failure = Failure.from(error);
  expect(failure).toMatchObject({ reason: 'protocol_error', message: 'duplicate_key: CHAP_N came twice' });
  expect(failure.cause).toBe(error);
});

test.each([
  ['that timed out', { code: 'ETIMEDOUT', syscall: 'read' }, 'ETIMEDOUT: as Node says it'],
  [
    'in which somebody put bytes of his own',
    { code: 'ERR_SSL_WRONG_VERSION_NUMBER', reason: 'wrong version number' },
    'ERR_SSL_WRONG_VERSION_NUMBER: wrong version number',
  ],
])('a connection %s is no internal error', (_, properties, says) => {
  const error = Object.assign(new Error('as Node says it'), properties);
  const message = `the connection broke: ${says}`;
  expect(Failure.from(error)).toMatchObject({ reason: 'peer_closed', message });
});

test.each([[new TypeError('undefined is not a function')], ['a string'], [undefined]])(
  'what nobody foresaw (%s) is an internal error',
  (thrown) => {
    expect(Failure.from(thrown)).toMatchObject({ reason: 'internal_error', wire: 0x0300 });
  },
);

test('what a peer was told is written as its status, or as the end of the connection', () => {
  expect(describeWire('close')).toBe('connection closed');
  expect(describeWire(LoginStatus.notFound)).toBe('0203 notFound');
});
