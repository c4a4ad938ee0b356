import { expect, test } from 'vitest';
import { Challenges } from '../../../src/login/challenges.ts';
import { repeatableChallenges } from '../../support/loginMessages.ts';

test('a challenge and its identifier are what the random source gave', () => {
  const asked: number[] = [];
  const challenges = new Challenges((length) => {
    asked.push(length);
    return Buffer.alloc(length, asked.length);
  });
  expect(challenges.issue(16)).toEqual({ bytes: Buffer.alloc(16, 1), identifier: 2 });
  expect(asked).toEqual([16, 1]);
});

test('a challenge is known as ours until it is retired', () => {
  const challenges = repeatableChallenges();
  const challenge = challenges.issue(32);
  expect(challenges.isOurs(Buffer.from(challenge.bytes))).toBe(true);
  challenges.retire(challenge);
  expect(challenges.isOurs(challenge.bytes)).toBe(false);
  expect(challenges.outstanding).toBe(0);
});

test('a part of a challenge, or one with more behind it, is not ours', () => {
  const challenges = repeatableChallenges();
  const { bytes } = challenges.issue(16);
  expect(challenges.isOurs(bytes.subarray(1))).toBe(false);
  expect(challenges.isOurs(Buffer.concat([bytes, Buffer.of(0)]))).toBe(false);
});

test('retiring one challenge leaves the others', () => {
  const challenges = repeatableChallenges();
  const [first, second] = [challenges.issue(16), challenges.issue(16)];
  challenges.retire(first);
  challenges.retire(first);
  expect(challenges.isOurs(second.bytes)).toBe(true);
  expect(challenges.outstanding).toBe(1);
});
