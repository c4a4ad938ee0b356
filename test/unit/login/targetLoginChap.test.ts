import { expect, test } from 'vitest';
import { encodeBinaryValue } from '../../../src/iscsi/textValues.ts';
import { chapResponse } from '../../../src/login/chap.ts';
import {
  challengedConversation,
  chapProof,
  INITIATOR,
  NAMES,
  TARGET,
  LoginConversation,
} from '../../support/loginConversation.ts';
import {
  chapRequirement,
  failureOf,
  loginRequest,
  MUTUAL,
  repeatableChallenges,
  secretOf,
} from '../../support/loginMessages.ts';

const TO_OPERATIONAL = { transit: true, currentStage: 0, nextStage: 1 };
const TO_FULL_FEATURE = { transit: true, currentStage: 1, nextStage: 3 };

test('libiscsi logs in with CHAP: T on the method, NSG=1 without T on the algorithm, names repeated', () => {
  const conversation = new LoginConversation({ chap: chapRequirement() });
  const method = conversation.ask(loginRequest(TO_OPERATIONAL, { ...NAMES, AuthMethod: 'CHAP,None' }));
  expect(method).toMatchObject({ transit: false, currentStage: 0, nextStage: 0, tsih: 0 });
  expect(Object.fromEntries(method.keys)).toEqual({ TargetPortalGroupTag: '1', AuthMethod: 'CHAP' });

  const challenge = conversation.ask(loginRequest({ nextStage: 1 }, { CHAP_A: '5' }));
  expect(challenge.transit).toBe(false);
  expect([...challenge.keys.keys()]).toEqual(['CHAP_A', 'CHAP_I', 'CHAP_C']);
  expect(conversation.authenticated).toBeUndefined();

  const proved = conversation.ask(loginRequest(TO_OPERATIONAL, chapProof(challenge)));
  expect(proved).toMatchObject({ transit: true, currentStage: 0, nextStage: 1, tsih: 0 });
  expect(proved.keys.size).toBe(0);
  expect(conversation.authenticated?.identity.initiatorName).toBe(INITIATOR);

  const last = loginRequest(TO_FULL_FEATURE, { ...NAMES, HeaderDigest: 'None', InitialR2T: 'No' });
  expect(conversation.ask(last)).toMatchObject({ transit: true, nextStage: 3, status: 0 });
  expect(conversation.negotiated).toEqual([{ HeaderDigest: 'None', InitialR2T: 'No' }]);
});

test('open-iscsi logs in with mutual CHAP and is given only keys that it knows', () => {
  const conversation = new LoginConversation({ chap: chapRequirement({ mutual: MUTUAL }) });
  const alias = { InitiatorAlias: 'db1.example.org' };
  const known = new Set([
    'TargetPortalGroupTag',
    'AuthMethod',
    'CHAP_A',
    'CHAP_I',
    'CHAP_C',
    'CHAP_N',
    'CHAP_R',
  ]);
  const method = conversation.ask(loginRequest({}, { ...NAMES, ...alias, AuthMethod: 'CHAP' }));
  const challenge = conversation.ask(loginRequest({}, { CHAP_A: '7,5' }));
  expect(challenge.keys.get('CHAP_A')).toBe('7');
  const theirs = Buffer.alloc(32, 0x5a);
  const mutual = { CHAP_I: '17', CHAP_C: encodeBinaryValue(theirs) };
  const proved = conversation.ask(loginRequest(TO_OPERATIONAL, { ...chapProof(challenge), ...mutual }));
  expect(Object.fromEntries(proved.keys)).toEqual({
    CHAP_N: 'gateway',
    CHAP_R: encodeBinaryValue(chapResponse('sha256', 17, MUTUAL.secret, theirs)),
  });
  expect(proved.transit).toBe(true);
  for (const { keys } of [method, challenge, proved]) {
    for (const key of keys.keys()) expect(known).toContain(key);
  }
  conversation.ask(loginRequest(TO_FULL_FEATURE, { MaxRecvDataSegmentLength: '262144' }));
  expect(conversation.negotiated).toEqual([{ ...alias, MaxRecvDataSegmentLength: '262144' }]);
});

test('an initiator that proves itself without T is let through when it asks', () => {
  const { conversation, challenge } = challengedConversation();
  expect(conversation.ask(loginRequest({}, chapProof(challenge))).transit).toBe(false);
  expect(conversation.authenticated).toBeUndefined();
  expect(conversation.ask(loginRequest(TO_OPERATIONAL)).transit).toBe(true);
  expect(conversation.authenticated).toBeDefined();
});

test('CHAP may lead from 0 to 3 at once', () => {
  const { conversation, challenge } = challengedConversation({ chap: chapRequirement({ mutual: MUTUAL }) });
  const mutual = { CHAP_I: '1', CHAP_C: '0x0102' };
  const proof = { ...chapProof(challenge), ...mutual };
  const response = conversation.ask(loginRequest({ transit: true, nextStage: 3 }, proof));
  expect(response).toMatchObject({ transit: true, nextStage: 3, status: 0 });
  expect([...response.keys.keys()]).toEqual(['CHAP_N', 'CHAP_R']);
});

test('a challenge and its proof may come in pieces', () => {
  const { conversation, challenge } = challengedConversation();
  const { CHAP_N, CHAP_R } = chapProof(challenge);
  const text = Buffer.from(`CHAP_N=${CHAP_N}\0CHAP_R=${CHAP_R}\0`);
  conversation.ask(loginRequest({ continues: true }, text.subarray(0, 20)));
  expect(conversation.ask(loginRequest(TO_OPERATIONAL, text.subarray(20))).transit).toBe(true);
});

test.each(['None', 'KRB5', 'CHAPX', 'chap', ''])(
  'AuthMethod=%s where CHAP is required fails authentication',
  (offer) => {
    const conversation = new LoginConversation({ chap: chapRequirement() });
    const first = loginRequest(TO_OPERATIONAL, { ...NAMES, AuthMethod: offer });
    expect(failureOf(() => conversation.ask(first))).toMatchObject({ reason: 'auth_method', wire: 0x0201 });
    expect(conversation.authenticated).toBeUndefined();
  },
);

test('a first message without AuthMethod where CHAP is required fails authentication', () => {
  const conversation = new LoginConversation({ chap: chapRequirement() });
  expect(failureOf(() => conversation.ask(loginRequest({}, NAMES))).wire).toBe(0x0201);
});

test('an initiator that insists on CHAP where none is configured fails authentication', () => {
  const conversation = new LoginConversation();
  const first = loginRequest({}, { ...NAMES, AuthMethod: 'CHAP' });
  expect(failureOf(() => conversation.ask(first))).toMatchObject({ reason: 'auth_method', wire: 0x0201 });
});

test.each([
  ['CHAP_A with the method', { ...NAMES, AuthMethod: 'CHAP', CHAP_A: '5' }],
  ['a response before the challenge', { ...NAMES, CHAP_N: 'db1', CHAP_R: '0x00' }],
])('%s is out of turn', (_, keys) => {
  const conversation = new LoginConversation({ chap: chapRequirement() });
  expect(failureOf(() => conversation.ask(loginRequest({}, keys))).message).toContain('out of turn');
});

test.each([
  ['a response in place of the algorithm', { CHAP_N: 'db1', CHAP_R: '0x00' }],
  ['the method once more', { AuthMethod: 'None' }],
])('%s is out of turn', (_, keys) => {
  const conversation = new LoginConversation({ chap: chapRequirement() });
  conversation.ask(loginRequest({}, { ...NAMES, AuthMethod: 'CHAP,None' }));
  expect(failureOf(() => conversation.ask(loginRequest(TO_OPERATIONAL, keys))).message).toContain(
    'out of turn',
  );
  expect(conversation.authenticated).toBeUndefined();
});

test('a second CHAP_A does not get a second challenge', () => {
  const { conversation } = challengedConversation();
  expect(failureOf(() => conversation.ask(loginRequest({}, { CHAP_A: '5' }))).message).toContain(
    'out of turn',
  );
});

test('an empty message instead of the proof is a missing parameter, T or not', () => {
  for (const fields of [{}, TO_OPERATIONAL]) {
    const { conversation } = challengedConversation();
    expect(failureOf(() => conversation.ask(loginRequest(fields))).wire).toBe(0x0207);
  }
});

test('the security stage cannot be left by simply going on in stage 1', () => {
  const { conversation } = challengedConversation();
  expect(failureOf(() => conversation.ask(loginRequest(TO_FULL_FEATURE))).reason).toBe('protocol_error');
  expect(conversation.authenticated).toBeUndefined();
});

test('after a wrong response a right one comes too late', () => {
  const { conversation, challenge } = challengedConversation();
  const wrong = chapProof(challenge, secretOf('a wrong secret'));
  expect(failureOf(() => conversation.ask(loginRequest(TO_OPERATIONAL, wrong))).reason).toBe('chap');
  failureOf(() => conversation.ask(loginRequest(TO_OPERATIONAL, chapProof(challenge))));
  expect(conversation.authenticated).toBeUndefined();
});

test('a login that is over takes nothing more', () => {
  const { conversation, challenge } = challengedConversation();
  conversation.login.end();
  failureOf(() => conversation.ask(loginRequest(TO_OPERATIONAL, chapProof(challenge))));
  expect(conversation.authenticated).toBeUndefined();
});

test("one connection's challenge, reflected on another, is not answered", () => {
  const challenges = repeatableChallenges();
  const chap = chapRequirement({ mutual: MUTUAL });
  const victim = challengedConversation({ challenges, chap });
  const attacker = challengedConversation({ challenges, chap });
  const reflected = {
    CHAP_I: victim.challenge.keys.get('CHAP_I')!,
    CHAP_C: victim.challenge.keys.get('CHAP_C')!,
  };
  const request = loginRequest(TO_OPERATIONAL, { ...chapProof(attacker.challenge), ...reflected });
  expect(failureOf(() => attacker.conversation.ask(request)).message).toContain('reflection');
});

test('a discovery session is asked for CHAP just so', () => {
  const conversation = new LoginConversation({ chap: chapRequirement() });
  const keys = { InitiatorName: INITIATOR, SessionType: 'Discovery' };
  expect(
    failureOf(() => conversation.ask(loginRequest({ transit: true, currentStage: 1, nextStage: 3 }, keys)))
      .wire,
  ).toBe(0x0201);
});

test('no refusal and no failure carries a response or a challenge', () => {
  const { conversation, challenge } = challengedConversation();
  const proof = chapProof(challenge, secretOf('wrong'));
  const failure = failureOf(() => conversation.ask(loginRequest(TO_OPERATIONAL, proof)));
  const shown = failure.message + conversation.login.refusal(failure)!.toString('latin1');
  for (const value of [proof.CHAP_R, challenge.keys.get('CHAP_C')!]) {
    expect(shown).not.toContain(value.slice(2, 12));
  }
  expect(failure.message).not.toContain(TARGET);
});
