import { expect, test } from 'vitest';
import { encodeBinaryValue } from '../../../src/iscsi/textValues.ts';
import type { Challenges } from '../../../src/login/challenges.ts';
import { chapResponse } from '../../../src/login/chap.ts';
import { ChapAuthenticator } from '../../../src/login/chapAuthenticator.ts';
import type { ChapAlgorithm, ChapRequirement } from '../../../src/policy/chapRequirement.ts';
import {
  chapRequirement,
  failureOf,
  MUTUAL,
  repeatableChallenges,
  secretOf,
} from '../../support/loginMessages.ts';

const keys = (record: Record<string, string>): Map<string, string> => new Map(Object.entries(record));
const RIGHT = chapRequirement().secret;

interface Challenged {
  readonly authenticator: ChapAuthenticator;
  readonly challenges: Challenges;
  readonly identifier: number;
  readonly bytes: Buffer;
  /** What the initiator answers that knows this secret. */
  readonly proof: (secret?: typeof RIGHT) => { CHAP_N: string; CHAP_R: string };
}

function challenged(
  requirement: Partial<ChapRequirement> = {},
  algorithm: ChapAlgorithm = 'md5',
  challenges = repeatableChallenges(),
): Challenged {
  const authenticator = new ChapAuthenticator(chapRequirement(requirement), challenges);
  const number = { md5: 5, sha1: 6, sha256: 7, 'sha3-256': 8 }[algorithm];
  const sent = new Map(authenticator.challenge(keys({ CHAP_A: String(number) })));
  const identifier = Number(sent.get('CHAP_I'));
  const bytes = Buffer.from(sent.get('CHAP_C')!.slice(2), 'hex');
  const proof: Challenged['proof'] = (secret = RIGHT) => ({
    CHAP_N: 'db1',
    CHAP_R: encodeBinaryValue(chapResponse(algorithm, identifier, secret, bytes)),
  });
  return { authenticator, challenges, identifier, bytes, proof };
}

test('CHAP_A is answered with algorithm, identifier and a challenge in lower-case hex', () => {
  const authenticator = new ChapAuthenticator(chapRequirement(), repeatableChallenges());
  expect(authenticator.challenge(keys({ CHAP_A: '7,5' }))).toEqual([
    ['CHAP_A', '7'],
    ['CHAP_I', expect.stringMatching(/^\d{1,3}$/)],
    ['CHAP_C', expect.stringMatching(/^0x[0-9a-f]{64}$/)],
  ]);
});

test.each([
  ['md5', 16],
  ['sha1', 20],
  ['sha256', 32],
  ['sha3-256', 32],
] as const)('the right response to a %s challenge of %i bytes is taken', (algorithm, length) => {
  const { authenticator, bytes, proof } = challenged({}, algorithm);
  expect(bytes).toHaveLength(length);
  expect(authenticator.verify(keys(proof()))).toEqual([]);
});

test('a response in Base64 or upper-case hex is taken', () => {
  for (const write of [
    (bytes: Buffer) => `0b${bytes.toString('base64')}`,
    (bytes: Buffer) => `0X${bytes.toString('hex').toUpperCase()}`,
  ]) {
    const { authenticator, proof } = challenged();
    const { CHAP_R } = proof();
    const sent = { CHAP_N: 'db1', CHAP_R: write(Buffer.from(CHAP_R.slice(2), 'hex')) };
    expect(authenticator.verify(keys(sent))).toEqual([]);
  }
});

test('no algorithm in common is an authentication failure that names the allowed ones', () => {
  const authenticator = new ChapAuthenticator(
    chapRequirement({ algorithms: ['sha256', 'sha3-256'] }),
    repeatableChallenges(),
  );
  const failure = failureOf(() => authenticator.challenge(keys({ CHAP_A: '5,6' })));
  expect(failure).toMatchObject({ reason: 'chap', wire: 0x0201 });
  for (const allowed of ['sha3-256', 'sha256']) expect(failure.message).toContain(allowed);
});

test('a wrong secret fails, and the message tells no value', () => {
  const { authenticator, proof } = challenged();
  const sent = proof(secretOf('another secret'));
  const failure = failureOf(() => authenticator.verify(keys(sent)));
  expect(failure).toMatchObject({ reason: 'chap', wire: 0x0201 });
  expect(failure.message).not.toContain(sent.CHAP_R.slice(2, 10));
});

test.each(['db', 'db10', 'DB1', 'db1 ', '', 'db1\u0301'])(
  'the name "%s" is not db1, though the response is right',
  (name) => {
    const { authenticator, proof } = challenged();
    const sent = { ...proof(), CHAP_N: name };
    expect(failureOf(() => authenticator.verify(keys(sent)))).toMatchObject({ reason: 'chap', wire: 0x0201 });
  },
);

test.each([
  ['shorter than the digest', (right: string) => right.slice(0, -2)],
  ['longer than the digest', (right: string) => `${right}00`],
  ['the right digest many times over', (right: string) => `0x${right.slice(2).repeat(60)}`],
])('a response that is %s is an authentication failure', (_, change) => {
  const { authenticator, proof } = challenged();
  const sent = { CHAP_N: 'db1', CHAP_R: change(proof().CHAP_R) };
  const failure = failureOf(() => authenticator.verify(keys(sent)));
  expect(failure).toMatchObject({ reason: 'chap', wire: 0x0201 });
  expect(failure.message).toContain('md5 has 16');
});

test.each([
  ['an odd number of digits', (right: string) => right.slice(0, -1)],
  ['no digits', () => '0x'],
  ['no value', () => ''],
  ['a stray character', (right: string) => `${right.slice(0, -1)}g`],
  ['no prefix', (right: string) => right.slice(2)],
  ['more than 1024 bytes', () => `0x${'00'.repeat(1025)}`],
])('a CHAP_R with %s is a missing parameter', (_, change) => {
  const { authenticator, proof } = challenged();
  const sent = { CHAP_N: 'db1', CHAP_R: change(proof().CHAP_R) };
  expect(failureOf(() => authenticator.verify(keys(sent)))).toMatchObject({
    reason: 'missing_parameter',
    wire: 0x0207,
  });
});

test.each(['CHAP_N', 'CHAP_R'])('a message without %s is a missing parameter', (key) => {
  const { authenticator, proof } = challenged();
  const sent = keys(proof());
  sent.delete(key);
  expect(failureOf(() => authenticator.verify(sent))).toMatchObject({
    reason: 'missing_parameter',
    wire: 0x0207,
  });
});

test('with mutual CHAP our own name and response answer the challenge of the initiator', () => {
  const { authenticator, proof } = challenged({ mutual: MUTUAL });
  const theirs = Buffer.alloc(16, 0x55);
  const sent = { ...proof(), CHAP_I: '200', CHAP_C: encodeBinaryValue(theirs) };
  const response = chapResponse('md5', 200, MUTUAL.secret, theirs);
  expect(authenticator.verify(keys(sent))).toEqual([
    ['CHAP_N', 'gateway'],
    ['CHAP_R', encodeBinaryValue(response)],
  ]);
});

test('an initiator that does not ask is not given our proof', () => {
  const { authenticator, proof } = challenged({ mutual: MUTUAL });
  expect(authenticator.verify(keys(proof()))).toEqual([]);
});

test.each(['CHAP_I', 'CHAP_C'])('of CHAP_I and CHAP_C, only %s is a missing parameter', (key) => {
  const { authenticator, proof } = challenged({ mutual: MUTUAL });
  const sent = { ...proof(), [key]: key === 'CHAP_I' ? '1' : '0x0102' };
  expect(failureOf(() => authenticator.verify(keys(sent)))).toMatchObject({ wire: 0x0207 });
});

test.each([
  { CHAP_I: '256', CHAP_C: '0x0102' },
  { CHAP_I: '-1', CHAP_C: '0x0102' },
  { CHAP_I: '', CHAP_C: '0x0102' },
  { CHAP_I: '1', CHAP_C: '0x' },
  { CHAP_I: '1', CHAP_C: '0x123' },
  { CHAP_I: '1', CHAP_C: 'abcd' },
])('malformed values of mutual CHAP are a missing parameter: %o', (theirs) => {
  const { authenticator, proof } = challenged({ mutual: MUTUAL });
  expect(failureOf(() => authenticator.verify(keys({ ...proof(), ...theirs })))).toMatchObject({
    reason: 'missing_parameter',
    wire: 0x0207,
  });
});

test('mutual CHAP that is not configured is an authentication failure', () => {
  const { authenticator, proof } = challenged();
  const sent = { ...proof(), CHAP_I: '1', CHAP_C: '0x0102' };
  expect(failureOf(() => authenticator.verify(keys(sent)))).toMatchObject({ reason: 'chap', wire: 0x0201 });
});

test('our own challenge sent back is a reflection', () => {
  const { authenticator, bytes, proof } = challenged({ mutual: MUTUAL });
  const sent = { ...proof(), CHAP_I: '1', CHAP_C: encodeBinaryValue(bytes) };
  expect(failureOf(() => authenticator.verify(keys(sent))).message).toContain('reflection');
});

test('a challenge of ours on another connection is a reflection too', () => {
  const challenges = repeatableChallenges();
  const other = challenges.issue(16);
  const { authenticator, proof } = challenged({ mutual: MUTUAL }, 'md5', challenges);
  const sent = { ...proof(), CHAP_I: '1', CHAP_C: `0b${other.bytes.toString('base64')}` };
  expect(failureOf(() => authenticator.verify(keys(sent))).message).toContain('reflection');
});

test('whoever fails to prove himself learns nothing of the mutual secret', () => {
  const { authenticator, proof } = challenged({ mutual: MUTUAL });
  const sent = { ...proof(secretOf('wrong')), CHAP_I: '1', CHAP_C: '0x0102' };
  expect(failureOf(() => authenticator.verify(keys(sent))).reason).toBe('chap');
});

test('a response to an earlier challenge is wrong for the next', () => {
  const challenges = repeatableChallenges();
  const recorded = challenged({}, 'md5', challenges).proof();
  const { authenticator } = challenged({}, 'md5', challenges);
  expect(failureOf(() => authenticator.verify(keys(recorded))).reason).toBe('chap');
});
