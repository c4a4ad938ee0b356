import { expect, test } from 'vitest';
import { encodeBinaryValue } from '../../../src/iscsi/textValues.ts';
import { chapResponse } from '../../../src/login/chap.ts';
import { ChapProver } from '../../../src/login/chapProver.ts';
import {
  chapRequirement,
  failureOf,
  MUTUAL,
  repeatableChallenges,
  secretOf,
} from '../../support/loginMessages.ts';

const keys = (record: Record<string, string>): Map<string, string> => new Map(Object.entries(record));
const CHALLENGE = { CHAP_A: '5', CHAP_I: '23', CHAP_C: '0x000102030405060708090a0b0c0d0e0f' };

/** A prover with mutual CHAP that has answered the challenge of the target. */
function responded() {
  const challenges = repeatableChallenges();
  const prover = new ChapProver(chapRequirement({ mutual: MUTUAL }), challenges);
  const sent = new Map(prover.respond(keys(CHALLENGE)));
  const bytes = Buffer.from(sent.get('CHAP_C')!.slice(2), 'hex');
  const proof = (secret = MUTUAL.secret) => ({
    CHAP_N: MUTUAL.user,
    CHAP_R: encodeBinaryValue(chapResponse('md5', Number(sent.get('CHAP_I')), secret, bytes)),
  });
  return { prover, challenges, sent, bytes, proof };
}

test('the allowed algorithms are offered in the configured order', () => {
  const requirement = chapRequirement({ algorithms: ['sha256', 'md5'] });
  expect(new ChapProver(requirement, repeatableChallenges()).offer()).toEqual([['CHAP_A', '7,5']]);
});

test('a challenge is answered with name and response', () => {
  const prover = new ChapProver(
    chapRequirement({ secret: secretOf('sangate-secret16') }),
    repeatableChallenges(),
  );
  expect(prover.respond(keys(CHALLENGE))).toEqual([
    ['CHAP_N', 'db1'],
    ['CHAP_R', '0xdcbffa1d08c299bc6441376078f11142'],
  ]);
});

test('with mutual CHAP a fresh challenge goes with the answer', () => {
  const { sent, bytes } = responded();
  expect([...sent.keys()]).toEqual(['CHAP_N', 'CHAP_R', 'CHAP_I', 'CHAP_C']);
  expect(bytes).toHaveLength(16);
});

test.each(['8', '5,7', '', '05'])(
  'a target that chooses "%s", which was not offered, is refused',
  (chosen) => {
    const prover = new ChapProver(chapRequirement({ algorithms: ['md5'] }), repeatableChallenges());
    const failure = failureOf(() => prover.respond(keys({ ...CHALLENGE, CHAP_A: chosen })));
    expect(failure).toMatchObject({ reason: 'backend_auth', wire: 0x0301 });
  },
);

test.each(['CHAP_A', 'CHAP_I', 'CHAP_C'])('a challenge without %s is refused', (key) => {
  const challenge = keys(CHALLENGE);
  challenge.delete(key);
  const prover = new ChapProver(chapRequirement(), repeatableChallenges());
  expect(failureOf(() => prover.respond(challenge))).toMatchObject({
    reason: 'backend_auth',
    message: expect.stringContaining(key),
  });
});

test('a target that sends our own challenge of another connection back is refused', () => {
  const challenges = repeatableChallenges();
  const ours = challenges.issue(16);
  const prover = new ChapProver(chapRequirement(), challenges);
  const reflected = keys({ ...CHALLENGE, CHAP_C: encodeBinaryValue(ours.bytes) });
  expect(failureOf(() => prover.respond(reflected)).message).toContain('reflection');
});

test('the right proof of the target is taken', () => {
  const { prover, proof } = responded();
  expect(() => prover.verify(keys(proof()))).not.toThrow();
});

test('without mutual CHAP nothing is asked of the target', () => {
  const prover = new ChapProver(chapRequirement(), repeatableChallenges());
  prover.respond(keys(CHALLENGE));
  expect(() => prover.verify(keys({}))).not.toThrow();
});

test.each(['CHAP_N', 'CHAP_R'])('a target whose proof lacks %s is refused', (key) => {
  const { prover, proof } = responded();
  const partial = keys(proof());
  partial.delete(key);
  expect(failureOf(() => prover.verify(partial))).toMatchObject({ reason: 'backend_auth', wire: 0x0301 });
});

test.each([
  ['another secret', (right: string) => right.replace(/..$/, (end) => (end === '00' ? '01' : '00'))],
  ['a shorter response', (right: string) => right.slice(0, -2)],
  ['a longer response', (right: string) => `${right}00`],
])('a target with %s is refused', (_, change) => {
  const { prover, proof } = responded();
  const wrong = { ...proof(), CHAP_R: change(proof().CHAP_R) };
  expect(failureOf(() => prover.verify(keys(wrong)))).toMatchObject({ reason: 'backend_auth' });
});

test.each(['gatewa', 'gateway2', 'GATEWAY'])('a target that calls itself %s is refused', (name) => {
  const { prover, proof } = responded();
  expect(failureOf(() => prover.verify(keys({ ...proof(), CHAP_N: name }))).reason).toBe('backend_auth');
});

test("a target that answers with our own response instead of its secret's is refused", () => {
  const { prover, sent } = responded();
  const reflected = keys({ CHAP_N: MUTUAL.user, CHAP_R: sent.get('CHAP_R')! });
  expect(failureOf(() => prover.verify(reflected)).reason).toBe('backend_auth');
});
