import { expect, test } from 'vitest';
import { ProtocolError } from '../../../src/iscsi/protocolError.ts';
import { encodeBinaryValue } from '../../../src/iscsi/textValues.ts';
import type { Challenges } from '../../../src/login/challenges.ts';
import { chapResponse } from '../../../src/login/chap.ts';
import { InitiatorLogin } from '../../../src/login/initiatorLogin.ts';
import type { ChapRequirement } from '../../../src/policy/chapRequirement.ts';
import { INITIATOR, TARGET } from '../../support/loginConversation.ts';
import {
  chapRequirement,
  failureOf,
  ISID,
  loginResponse,
  MUTUAL,
  readRequest,
  repeatableChallenges,
  secretOf,
  TASK_TAG,
  type Text,
} from '../../support/loginMessages.ts';

const TO_OPERATIONAL = { transit: true, currentStage: 0, nextStage: 1 };
const CHALLENGE = { CHAP_A: '5', CHAP_I: '23', CHAP_C: '0x000102030405060708090a0b0c0d0e0f' };

function begun(chap?: ChapRequirement, challenges: Challenges = repeatableChallenges()): InitiatorLogin {
  const machine = new InitiatorLogin({
    initiatorName: INITIATOR,
    sessionType: 'Normal',
    targetName: TARGET,
    isid: ISID,
    cid: 0,
    initiatorTaskTag: TASK_TAG,
    cmdSN: 0,
    challenges,
    ...(chap && { chap }),
  });
  machine.start();
  return machine;
}

/** A login that has answered the challenge, and its answer. */
function proved(chap: ChapRequirement, challenges?: Challenges) {
  const machine = begun(chap, challenges);
  const offer = machine.receive(loginResponse({}, { AuthMethod: 'CHAP' }));
  const answer = machine.receive(loginResponse({}, CHALLENGE));
  if (offer.kind !== 'send' || answer.kind !== 'send') throw new Error('the login did not go on');
  return { machine, offer: readRequest(offer.request), answer: readRequest(answer.request) };
}

test('one-way CHAP: algorithms, then name and response with the transit', () => {
  const chap = chapRequirement({ secret: secretOf('sangate-secret16'), algorithms: ['md5', 'sha256'] });
  const { machine, offer, answer } = proved(chap);
  expect(offer).toMatchObject({ transit: false, currentStage: 0, pairs: [['CHAP_A', '5,7']] });
  expect(answer).toMatchObject({
    ...TO_OPERATIONAL,
    pairs: [
      ['CHAP_N', 'db1'],
      ['CHAP_R', '0xdcbffa1d08c299bc6441376078f11142'],
    ],
  });
  expect(machine.receive(loginResponse(TO_OPERATIONAL))).toEqual({ kind: 'secured' });
});

test('mutual CHAP: the target is asked for its proof, and taken with it', () => {
  const { machine, answer } = proved(chapRequirement({ mutual: MUTUAL }));
  const challenge = Buffer.from(answer.keys.get('CHAP_C')!.slice(2), 'hex');
  const response = chapResponse('md5', Number(answer.keys.get('CHAP_I')), MUTUAL.secret, challenge);
  const proof = { CHAP_N: 'gateway', CHAP_R: encodeBinaryValue(response) };
  expect(machine.receive(loginResponse(TO_OPERATIONAL, proof))).toEqual({ kind: 'secured' });
});

const PROOFS: [string, Text][] = [
  ['no proof at all', {}],
  ['a name without a response', { CHAP_N: 'gateway' }],
  ['a wrong response', { CHAP_N: 'gateway', CHAP_R: `0x${'00'.repeat(16)}` }],
];

test.each(PROOFS)('a target with %s is refused where mutual CHAP is configured', (_, proof) => {
  const { machine } = proved(chapRequirement({ mutual: MUTUAL }));
  const failure = failureOf(() => machine.receive(loginResponse(TO_OPERATIONAL, proof)));
  expect(failure).toMatchObject({ reason: 'backend_auth', wire: 0x0301 });
});

test.each(['0x', '', '0x123'])('a target whose CHAP_R is "%s" breaks the protocol', (CHAP_R) => {
  const { machine } = proved(chapRequirement({ mutual: MUTUAL }));
  const response = loginResponse(TO_OPERATIONAL, { CHAP_N: 'gateway', CHAP_R });
  expect(() => machine.receive(response)).toThrow(ProtocolError);
});

test('a target that answers a mutual challenge with our own response is refused', () => {
  const { machine, answer } = proved(chapRequirement({ mutual: MUTUAL }));
  const reflected = { CHAP_N: 'gateway', CHAP_R: answer.keys.get('CHAP_R')! };
  expect(failureOf(() => machine.receive(loginResponse(TO_OPERATIONAL, reflected))).reason).toBe(
    'backend_auth',
  );
});

test.each<[string, object, Text]>([
  ['chooses None', {}, { AuthMethod: 'None' }],
  ['rejects the method', {}, { AuthMethod: 'Reject' }],
  ['does not answer the method', {}, {}],
])('a target that %s where CHAP is configured is refused', (_, fields, keys) => {
  const machine = begun(chapRequirement());
  expect(failureOf(() => machine.receive(loginResponse(fields, keys)))).toMatchObject({
    reason: 'backend_auth',
    wire: 0x0301,
  });
});

test('a target that agrees to CHAP and transits without it is refused', () => {
  const machine = begun(chapRequirement());
  const response = loginResponse(TO_OPERATIONAL, { AuthMethod: 'CHAP' });
  expect(failureOf(() => machine.receive(response)).wire).toBe(0x0300);
});

test('a target that sends no challenge is refused', () => {
  const machine = begun(chapRequirement());
  machine.receive(loginResponse({}, { AuthMethod: 'CHAP' }));
  expect(failureOf(() => machine.receive(loginResponse({}))).reason).toBe('backend_auth');
});

test('a target that insists on CHAP where none is configured is refused', () => {
  const failure = failureOf(() => begun().receive(loginResponse({}, { AuthMethod: 'CHAP' })));
  expect(failure).toMatchObject({ reason: 'backend_auth', wire: 0x0301 });
});

test.each(['6', '5,7', '9'])(
  'a target that chooses the algorithm %s, which was not offered, is refused',
  (CHAP_A) => {
    const machine = begun(chapRequirement({ algorithms: ['md5'] }));
    machine.receive(loginResponse({}, { AuthMethod: 'CHAP' }));
    const response = loginResponse({}, { ...CHALLENGE, CHAP_A });
    expect(failureOf(() => machine.receive(response)).reason).toBe('backend_auth');
  },
);

test('a target that reflects a challenge of our initiator leg is refused', () => {
  const challenges = repeatableChallenges();
  const ours = challenges.issue(16);
  const machine = begun(chapRequirement(), challenges);
  machine.receive(loginResponse({}, { AuthMethod: 'CHAP' }));
  const response = loginResponse({}, { ...CHALLENGE, CHAP_C: encodeBinaryValue(ours.bytes) });
  expect(failureOf(() => machine.receive(response)).message).toContain('reflection');
});

test('a refusal of our response is about the CHAP settings, whatever its status', () => {
  const { machine } = proved(chapRequirement());
  const failure = failureOf(() => machine.receive(loginResponse({ status: 0x0200 })));
  expect(failure).toMatchObject({ reason: 'backend_auth', wire: 0x0301 });
});
