import { expect, test } from 'vitest';
import { encodePdu, type Pdu } from '../../../src/iscsi/pdu.ts';
import { InitiatorLogin, type InitiatorLoginOptions } from '../../../src/login/initiatorLogin.ts';
import { INITIATOR, TARGET } from '../../support/loginConversation.ts';
import {
  chapRequirement,
  failureOf,
  ISID,
  loginResponse,
  pdu,
  readRequest,
  repeatableChallenges,
  TASK_TAG,
} from '../../support/loginMessages.ts';

function login(options: Partial<InitiatorLoginOptions> = {}): InitiatorLogin {
  return new InitiatorLogin({
    initiatorName: INITIATOR,
    sessionType: 'Normal',
    targetName: TARGET,
    isid: ISID,
    cid: 3,
    initiatorTaskTag: TASK_TAG,
    cmdSN: 7,
    challenges: repeatableChallenges(),
    ...options,
  });
}

/** Hands a response in and reads the request that goes out for it. */
function sendAfter(machine: InitiatorLogin, response: Pdu): ReturnType<typeof readRequest> {
  const step = machine.receive(response);
  if (step.kind !== 'send') throw new Error(`the step is ${step.kind}`);
  return readRequest(step.request);
}

const TO_OPERATIONAL = { transit: true, currentStage: 0, nextStage: 1 };
const TO_FULL_FEATURE = { transit: true, currentStage: 1, nextStage: 3 };

/** A login without CHAP that has come to the negotiation. */
function negotiating(): InitiatorLogin {
  const machine = login();
  machine.start();
  expect(machine.receive(loginResponse(TO_OPERATIONAL, { AuthMethod: 'None' })).kind).toBe('secured');
  machine.negotiate([], true);
  return machine;
}

test('the first request says who asks for what, always in the security stage', () => {
  expect(readRequest(login().start())).toMatchObject({
    immediate: true,
    ...TO_OPERATIONAL,
    versionMin: 0,
    versionMax: 0,
    isid: ISID,
    tsih: 0,
    cid: 3,
    initiatorTaskTag: TASK_TAG,
    cmdSN: 7,
    pairs: [
      ['InitiatorName', INITIATOR],
      ['SessionType', 'Normal'],
      ['AuthMethod', 'None'],
      ['TargetName', TARGET],
    ],
  });
});

test('with CHAP configured only CHAP is offered, and no transit asked for', () => {
  const request = readRequest(login({ chap: chapRequirement() }).start());
  expect(request.keys.get('AuthMethod')).toBe('CHAP');
  expect(request.transit).toBe(false);
});

test('the command window is that of the last response', () => {
  const machine = negotiating();
  machine.receive(loginResponse({ ...TO_FULL_FEATURE, tsih: 1, expCmdSN: 7, maxCmdSN: 38 }, {}));
  expect(machine.commandWindow).toEqual({ expCmdSN: 7, maxCmdSN: 38 });
});

test('where CHAP is optional, None is offered behind it and taken', () => {
  const machine = login({ chap: chapRequirement(), chapIsOptional: true });
  expect(readRequest(machine.start()).keys.get('AuthMethod')).toBe('CHAP,None');
  expect(machine.receive(loginResponse(TO_OPERATIONAL, { AuthMethod: 'None' })).kind).toBe('secured');
});

test('the command window is that of the last response', () => {
  const machine = negotiating();
  machine.receive(loginResponse({ ...TO_FULL_FEATURE, tsih: 1, expCmdSN: 7, maxCmdSN: 38 }, {}));
  expect(machine.commandWindow).toEqual({ expCmdSN: 7, maxCmdSN: 38 });
});

test('where CHAP is optional, a target that agrees to it may not skip it', () => {
  const machine = login({ chap: chapRequirement(), chapIsOptional: true });
  machine.start();
  const response = loginResponse(TO_OPERATIONAL, { AuthMethod: 'CHAP' });
  expect(failureOf(() => machine.receive(response)).reason).toBe('backend_auth');
});

test('a login without CHAP is secured at once, then negotiates to full feature phase', () => {
  const machine = login();
  machine.start();
  expect(machine.receive(loginResponse(TO_OPERATIONAL, { AuthMethod: 'None' }))).toEqual({ kind: 'secured' });
  const request = readRequest(machine.negotiate([['HeaderDigest', 'None']], true));
  expect(request).toMatchObject({ ...TO_FULL_FEATURE, expStatSN: 101, pairs: [['HeaderDigest', 'None']] });
  const response = loginResponse(
    { ...TO_FULL_FEATURE, tsih: 5, statSN: 0xffffffff, expCmdSN: 7, maxCmdSN: 40 },
    { HeaderDigest: 'None' },
  );
  expect(machine.receive(response)).toEqual({
    kind: 'negotiated',
    keys: new Map([['HeaderDigest', 'None']]),
    transit: true,
    tsih: 5,
    expCmdSN: 7,
    maxCmdSN: 40,
  });
  expect(machine.expStatSN).toBe(0);
});

test('a target that does not answer AuthMethod=None at once is asked again to go on', () => {
  const machine = login();
  machine.start();
  expect(sendAfter(machine, loginResponse({}, { AuthMethod: 'None' }))).toMatchObject({
    ...TO_OPERATIONAL,
    pairs: [],
  });
  expect(machine.receive(loginResponse(TO_OPERATIONAL)).kind).toBe('secured');
});

test('negotiation may need several messages', () => {
  const machine = negotiating();
  const step = machine.receive(loginResponse({ currentStage: 1 }, { MaxBurstLength: '512' }));
  expect(step).toMatchObject({ kind: 'negotiated', transit: false });
  expect(readRequest(machine.negotiate([], true))).toMatchObject(TO_FULL_FEATURE);
});

test('an answer in pieces is asked for piece by piece', () => {
  const machine = negotiating();
  const piece = loginResponse({ currentStage: 1, continues: true }, Buffer.from('HeaderDi'));
  expect(sendAfter(machine, piece)).toMatchObject({ transit: false, continues: false, pairs: [] });
  const last = loginResponse({ currentStage: 1 }, Buffer.from('gest=None\0'));
  expect(machine.receive(last)).toMatchObject({
    kind: 'negotiated',
    keys: new Map([['HeaderDigest', 'None']]),
  });
});

test("the target's declarations in the security stage are passed over", () => {
  const machine = login();
  machine.start();
  const declared = { AuthMethod: 'None', TargetPortalGroupTag: '1', TargetAlias: 'disk' };
  expect(machine.receive(loginResponse(TO_OPERATIONAL, declared)).kind).toBe('secured');
});

test.each([{ HeaderDigest: 'None' }, { 'X-vendor': '1' }, { TargetName: TARGET }])(
  'a security answer with %o breaks the protocol',
  (keys) => {
    const machine = login();
    machine.start();
    const response = loginResponse(TO_OPERATIONAL, keys);
    expect(failureOf(() => machine.receive(response))).toMatchObject({ reason: 'backend_protocol' });
  },
);

test.each([
  ['another task tag', { initiatorTaskTag: 1 }],
  ['another stage', { currentStage: 1, nextStage: 3 }],
  ['another version', { versionActive: 1 }],
  ['both T and C', { continues: true }],
  ['a transit to another stage than asked for', { nextStage: 3 }],
])('a response with %s breaks the protocol', (_, fields) => {
  const machine = login();
  machine.start();
  const response = loginResponse({ ...TO_OPERATIONAL, ...fields });
  expect(failureOf(() => machine.receive(response))).toMatchObject({
    reason: 'backend_protocol',
    wire: 0x0300,
  });
});

test('a transit that was not asked for breaks the protocol', () => {
  const machine = negotiating();
  machine.receive(loginResponse({ currentStage: 1 }));
  machine.negotiate([], false);
  expect(failureOf(() => machine.receive(loginResponse(TO_FULL_FEATURE))).reason).toBe('backend_protocol');
});

test('another PDU during login breaks the protocol', () => {
  const machine = login();
  machine.start();
  const nop = pdu(encodePdu('nopIn', { final: true, initiatorTaskTag: TASK_TAG }));
  expect(failureOf(() => machine.receive(nop))).toMatchObject({
    reason: 'backend_protocol',
    message: expect.stringContaining('nopIn'),
  });
});

test('a target that never ends the login is given up', () => {
  const machine = login();
  machine.start();
  let responses = 0;
  const failure = failureOf(() => {
    for (; responses < 1000; responses++) machine.receive(loginResponse({}));
  });
  expect(failure.reason).toBe('backend_protocol');
  expect(responses).toBe(32);
});

test('an answer in more than 16 pieces is given up', () => {
  const machine = login();
  machine.start();
  const failure = failureOf(() => {
    for (let piece = 0; piece < 17; piece++) machine.receive(loginResponse({ continues: true }));
  });
  expect(failure.message).toContain('too_many_pieces');
});

test.each([
  [0x0101, false],
  [0x0102, true],
])('status %i in the first response is a redirect (permanent: %s)', (status, isPermanent) => {
  const machine = login();
  machine.start();
  const response = loginResponse({ status }, { TargetAddress: '10.0.0.6:3261' });
  expect(machine.receive(response)).toEqual({
    kind: 'redirect',
    address: { host: '10.0.0.6', port: 3261 },
    isPermanent,
  });
});

test('a redirect may come later, to IPv6 and without a port', () => {
  const machine = negotiating();
  const response = loginResponse({ status: 0x0101, currentStage: 1 }, { TargetAddress: '[2001:db8::6]' });
  expect(machine.receive(response)).toMatchObject({ address: { host: '2001:db8::6', port: 3260 } });
});

test('a redirect without an address leads nowhere', () => {
  const machine = login();
  machine.start();
  expect(failureOf(() => machine.receive(loginResponse({ status: 0x0101 })))).toMatchObject({
    reason: 'backend_redirect',
    wire: 0x0301,
  });
});

test('a redirect for another task is none', () => {
  const machine = login();
  machine.start();
  const response = loginResponse({ status: 0x0101, initiatorTaskTag: 1 }, { TargetAddress: '10.0.0.6' });
  expect(failureOf(() => machine.receive(response)).reason).toBe('backend_protocol');
});

test.each([
  [0x0200, 'backend_refused', 0x0200],
  [0x0201, 'backend_auth', 0x0301],
  [0x0202, 'backend_refused', 0x0202],
  [0x0203, 'target_not_found', 0x0203],
  [0x0204, 'target_not_found', 0x0204],
  [0x0205, 'backend_refused', 0x0205],
  [0x0206, 'backend_refused', 0x0206],
  [0x020b, 'backend_refused', 0x020b],
  [0x02ff, 'backend_refused', 0x02ff],
  [0x0300, 'backend_down', 0x0300],
  [0x0301, 'backend_down', 0x0301],
  [0x0302, 'backend_down', 0x0302],
  [0x0001, 'backend_protocol', 0x0300],
  [0x0400, 'backend_protocol', 0x0300],
  [0xffff, 'backend_protocol', 0x0300],
])('the status %i of the target is %s, and status %i to the initiator', (status, reason, wire) => {
  const machine = login();
  machine.start();
  const response = loginResponse({ status }, { TargetAddress: '10.0.0.6' });
  const failure = failureOf(() => machine.receive(response));
  expect(failure).toMatchObject({ reason, wire });
  expect(failure.message).toContain(status.toString(16).padStart(4, '0'));
});
