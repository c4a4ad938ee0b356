import { expect, test } from 'vitest';
import { Failure } from '../../../src/failures.ts';
import { encodePdu } from '../../../src/iscsi/pdu.ts';
import type { AuthenticatedLogin } from '../../../src/login/targetLogin.ts';
import {
  challengedConversation,
  chapProof,
  INITIATOR,
  NAMES,
  TARGET,
  LoginConversation,
  TSIH,
} from '../../support/loginConversation.ts';
import {
  chapRequirement,
  failureOf,
  ISID,
  loginRequest,
  pdu,
  readResponse,
  TASK_TAG,
} from '../../support/loginMessages.ts';

const STRAIGHT = { transit: true, currentStage: 1, nextStage: 3 };

test('without CHAP, one request from 1 to 3 is a whole login, as open-iscsi and libiscsi do it', () => {
  const conversation = new LoginConversation({ negotiate: () => [['HeaderDigest', 'None']] });
  const response = conversation.ask(loginRequest(STRAIGHT, { ...NAMES, HeaderDigest: 'CRC32C,None' }));
  expect(conversation.negotiated).toEqual([{ HeaderDigest: 'CRC32C,None' }]);
  expect(response).toMatchObject({
    ...STRAIGHT,
    continues: false,
    isid: ISID,
    initiatorTaskTag: TASK_TAG,
    tsih: TSIH,
    status: 0,
    statSN: 0xffffffff,
    expCmdSN: 7,
    maxCmdSN: 70,
  });
  expect([...response.keys]).toEqual([
    ['TargetPortalGroupTag', '1'],
    ['HeaderDigest', 'None'],
  ]);
});

test('the authenticated login says who it is, what policy said and how it began', () => {
  const conversation = new LoginConversation();
  conversation.ask(loginRequest({ ...STRAIGHT, cid: 4, cmdSN: 9 }, NAMES));
  expect(conversation.authenticated).toMatchObject({
    identity: { initiatorName: INITIATOR, targetName: TARGET, sessionType: 'Normal' },
    admission: 'admitted',
    opening: { isid: ISID, cid: 4, cmdSN: 9 },
  });
});

test('AuthMethod=None is agreed to when nothing is asked, and the security stage can be left at once', () => {
  const conversation = new LoginConversation();
  const response = conversation.ask(
    loginRequest({ transit: true, nextStage: 1 }, { ...NAMES, AuthMethod: 'CHAP,None' }),
  );
  expect(response).toMatchObject({ transit: true, currentStage: 0, nextStage: 1, tsih: 0 });
  expect(Object.fromEntries(response.keys)).toEqual({ TargetPortalGroupTag: '1', AuthMethod: 'None' });
});

test('a security stage without AuthMethod is passed when nothing is asked', () => {
  const conversation = new LoginConversation();
  expect(conversation.ask(loginRequest({ transit: true, nextStage: 1 }, NAMES)).transit).toBe(true);
});

test('a login may go from 0 to 3 at once, and its operational keys are negotiated', () => {
  const conversation = new LoginConversation({ negotiate: () => [['MaxBurstLength', '512']] });
  const response = conversation.ask(
    loginRequest({ transit: true, nextStage: 3 }, { ...NAMES, AuthMethod: 'None', MaxBurstLength: '512' }),
  );
  expect(conversation.negotiated).toEqual([{ MaxBurstLength: '512' }]);
  expect(response).toMatchObject({ transit: true, currentStage: 0, nextStage: 3, tsih: TSIH });
  expect(Object.fromEntries(response.keys)).toMatchObject({ AuthMethod: 'None', MaxBurstLength: '512' });
});

test('what an initiator says in the security stage of the negotiation waits for the stage after it', () => {
  const conversation = new LoginConversation();
  const first = loginRequest(
    { transit: true, nextStage: 1 },
    { ...NAMES, AuthMethod: 'None', HeaderDigest: 'None' },
  );
  expect([...conversation.ask(first).keys.keys()]).toEqual(['TargetPortalGroupTag', 'AuthMethod']);
  conversation.ask(loginRequest(STRAIGHT, { DataDigest: 'None' }));
  expect(conversation.negotiated).toEqual([{ HeaderDigest: 'None', DataDigest: 'None' }]);
});

test('negotiation may take several messages before the transit', () => {
  const conversation = new LoginConversation();
  expect(conversation.ask(loginRequest({ currentStage: 1 }, NAMES))).toMatchObject({
    transit: false,
    nextStage: 0,
  });
  expect(conversation.ask(loginRequest(STRAIGHT)).transit).toBe(true);
});

test('the negotiator cannot transit for an initiator that did not ask', () => {
  const conversation = new LoginConversation();
  const step = conversation.login.receive(loginRequest({ currentStage: 1 }, NAMES));
  expect(step.kind).toBe('authenticated');
  conversation.login.proceed();
  const response = conversation.login.answer({ pairs: [], transit: true, tsih: 1, expCmdSN: 0, maxCmdSN: 0 });
  expect(readResponse(response).transit).toBe(false);
});

test('each response takes the next StatSN, around the wrap', () => {
  const conversation = new LoginConversation();
  const numbers = [
    conversation.ask(loginRequest({}, { ...NAMES, AuthMethod: 'None' })).statSN,
    conversation.ask(loginRequest({ transit: true, nextStage: 1 })).statSN,
    conversation.ask(loginRequest(STRAIGHT)).statSN,
  ];
  expect(numbers).toEqual([0xffffffff, 0, 1]);
  expect(conversation.login.nextStatSN).toBe(2);
});

test('the portal group tag is told exactly once, in the response to the first message', () => {
  const conversation = new LoginConversation();
  const told = [
    conversation.ask(loginRequest({ continues: true }, Buffer.from('InitiatorName='))),
    conversation.ask(loginRequest({}, Buffer.from(`${INITIATOR}\0TargetName=${TARGET}\0`))),
    conversation.ask(loginRequest({ transit: true, nextStage: 1 })),
    conversation.ask(loginRequest(STRAIGHT)),
  ].map(({ keys }) => keys.has('TargetPortalGroupTag'));
  expect(told).toEqual([false, true, false, false]);
});

test('a discovery session is told no portal group tag', () => {
  const conversation = new LoginConversation();
  const keys = { InitiatorName: INITIATOR, SessionType: 'Discovery' };
  expect(conversation.ask(loginRequest(STRAIGHT, keys)).keys.size).toBe(0);
});

test('CmdSN is carried and not consumed', () => {
  const conversation = new LoginConversation();
  const response = conversation.ask(loginRequest({ cmdSN: 0xfffffffe }, { ...NAMES, AuthMethod: 'None' }));
  expect(response).toMatchObject({ expCmdSN: 0xfffffffe, maxCmdSN: 0xfffffffe });
});

test('a message in pieces is answered by empty responses and read whole', () => {
  const conversation = new LoginConversation();
  const text = Buffer.from(`InitiatorName=${INITIATOR}\0TargetName=${TARGET}\0HeaderDigest=None\0`);
  const pieces = [text.subarray(0, 5), text.subarray(5, 60), text.subarray(60)];
  for (const piece of pieces.slice(0, 2)) {
    const response = conversation.ask(loginRequest({ continues: true, currentStage: 1 }, piece));
    expect(response).toMatchObject({ transit: false, continues: false, status: 0 });
    expect(response.keys.size).toBe(0);
  }
  expect(conversation.ask(loginRequest(STRAIGHT, pieces[2])).transit).toBe(true);
  expect(conversation.negotiated).toEqual([{ HeaderDigest: 'None' }]);
});

test('policy is asked once, with the names, before anything of the security stage', () => {
  const asked: string[] = [];
  const { conversation, challenge } = challengedConversation({
    admit: ({ initiatorName, targetName }) => void asked.push(initiatorName, targetName!),
  });
  conversation.ask(loginRequest({ transit: true, nextStage: 1 }, chapProof(challenge)));
  conversation.ask(loginRequest(STRAIGHT, NAMES));
  expect(asked).toEqual([INITIATOR, TARGET]);
});

test('whom policy denies gets no challenge and no second try', () => {
  const conversation = new LoginConversation({
    chap: chapRequirement(),
    admit: () => {
      throw new Failure('unknown_initiator', 'nobody knows it');
    },
  });
  const first = loginRequest({}, { ...NAMES, AuthMethod: 'CHAP' });
  expect(failureOf(() => conversation.ask(first)).reason).toBe('unknown_initiator');
  expect(failureOf(() => conversation.ask(loginRequest({ currentStage: 0 }))).reason).toBe('protocol_error');
  expect(conversation.authenticated).toBeUndefined();
  expect(conversation.login.identity?.initiatorName).toBe(INITIATOR);
});

test('after a denial no way around the security stage is open', () => {
  const conversation = new LoginConversation({
    chap: chapRequirement(),
    admit: () => {
      throw new Failure('unknown_initiator', 'nobody knows it');
    },
  });
  failureOf(() => conversation.ask(loginRequest({ currentStage: 1 }, NAMES)));
  failureOf(() => conversation.ask(loginRequest(STRAIGHT)));
  expect(conversation.authenticated).toBeUndefined();
});

test('a login that begins behind the security stage fails authentication where CHAP is required', () => {
  const conversation = new LoginConversation({ chap: chapRequirement() });
  expect(failureOf(() => conversation.ask(loginRequest(STRAIGHT, NAMES)))).toMatchObject({
    reason: 'auth_method',
    wire: 0x0201,
  });
});

test('a second request before the first is answered is refused', () => {
  const { login } = new LoginConversation();
  login.receive(loginRequest({ currentStage: 1 }, NAMES));
  expect(failureOf(() => login.receive(loginRequest({ currentStage: 1 }))).reason).toBe('protocol_error');
});

test('identity keys may be repeated as they were, and do not go on', () => {
  const conversation = new LoginConversation();
  conversation.ask(loginRequest({ transit: true, nextStage: 1 }, { ...NAMES, AuthMethod: 'None' }));
  conversation.ask(loginRequest(STRAIGHT, { ...NAMES, InitialR2T: 'No' }));
  expect(conversation.negotiated).toEqual([{ InitialR2T: 'No' }]);
});

test.each([
  { InitiatorName: 'iqn.1993-08.org.debian:01:db2' },
  { TargetName: 'iqn.2001-05.com.example:other' },
  { SessionType: 'Discovery' },
])('an identity that changes after the security stage ends the login: %o', (changed) => {
  const conversation = new LoginConversation();
  conversation.ask(loginRequest({ transit: true, nextStage: 1 }, { ...NAMES, AuthMethod: 'None' }));
  expect(failureOf(() => conversation.ask(loginRequest(STRAIGHT, changed))).wire).toBe(0x0200);
  expect(conversation.negotiated).toEqual([]);
});

test('nothing is taken in full feature phase', () => {
  const conversation = new LoginConversation();
  conversation.ask(loginRequest(STRAIGHT, NAMES));
  expect(failureOf(() => conversation.ask(loginRequest(STRAIGHT))).reason).toBe('protocol_error');
});

test('the same key in the security stage and in the negotiation is a duplicate', () => {
  const conversation = new LoginConversation();
  conversation.ask(
    loginRequest({ transit: true, nextStage: 1 }, { ...NAMES, AuthMethod: 'None', InitialR2T: 'No' }),
  );
  const again = loginRequest(STRAIGHT, { InitialR2T: 'Yes' });
  expect(failureOf(() => conversation.ask(again)).message).toContain('duplicate_key: InitialR2T');
});

test('a refusal answers the request with the status alone', () => {
  const { login } = new LoginConversation();
  const failure = failureOf(() => login.receive(loginRequest({ tsih: 9, currentStage: 1 }, NAMES)));
  const refusal = login.refusal(failure)!;
  expect(readResponse(refusal)).toMatchObject({
    status: 0x020a,
    currentStage: 1,
    transit: false,
    isid: ISID,
    initiatorTaskTag: TASK_TAG,
    statSN: 0,
  });
  expect(refusal).toHaveLength(48);
});

test('a first PDU that is no Login Request gets no answer', () => {
  const { login } = new LoginConversation();
  const failure = failureOf(() => login.receive(pdu(encodePdu('nopOut', { final: true }))));
  expect(login.refusal(failure)).toBeUndefined();
});

test('the refusal of another PDU in mid-login still answers the login', () => {
  const conversation = new LoginConversation();
  conversation.ask(loginRequest({ currentStage: 1 }, NAMES));
  const intruder = pdu(
    encodePdu('textRequest', { final: true, initiatorTaskTag: 5, lun: Buffer.alloc(8, 0xee) }),
  );
  const failure = failureOf(() => conversation.login.receive(intruder));
  expect(readResponse(conversation.login.refusal(failure)!)).toMatchObject({
    status: 0x020b,
    currentStage: 1,
    isid: ISID,
    initiatorTaskTag: TASK_TAG,
  });
});

test('a failure without a status gets no answer', () => {
  const conversation = new LoginConversation();
  conversation.ask(loginRequest({ currentStage: 1 }, NAMES));
  expect(conversation.login.refusal(new Failure('login_timeout', ''))).toBeUndefined();
});

test('an authenticated login cannot be written down, only earned', () => {
  const conversation = new LoginConversation();
  conversation.ask(loginRequest(STRAIGHT, NAMES));
  const { identity, admission, opening } = conversation.authenticated!;
  // @ts-expect-error -- an object of the same shape is no proof
  const forged: AuthenticatedLogin<string> = { identity, admission, opening };
  expect(forged).not.toBe(conversation.authenticated);
});
