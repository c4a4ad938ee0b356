import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { Challenges } from '../../../src/login/challenges.ts';
import { repeatableChallenges } from '../../support/loginMessages.ts';

const KEY = Buffer.alloc(32, 7);

test('a challenge begins with what the random source gave, at least 12 bytes of it, and has the length that was asked for', () => {
  for (const length of [16, 20, 32]) {
    const { bytes } = new Challenges((count) => Buffer.alloc(count, 0xaa), KEY).issue(length);
    expect(bytes).toHaveLength(length);
    expect(bytes.subarray(0, 12)).toEqual(Buffer.alloc(12, 0xaa));
  }
});

test.each([16, 20, 32])('no two challenges of %i bytes are alike', (length) => {
  const challenges = new Challenges(randomBytes);
  const all = new Set(Array.from({ length: 1000 }, () => challenges.issue(length).bytes.toString('hex')));
  expect(all.size).toBe(1000);
});

test.each([16, 20, 32])('a challenge of %i bytes is ours, and stays so', (length) => {
  const challenges = repeatableChallenges();
  const { bytes } = challenges.issue(length);
  expect(challenges.isOurs(Buffer.from(bytes))).toBe(true);
  challenges.issue(length);
  expect(challenges.isOurs(bytes)).toBe(true);
});

test('a challenge of another process that has the same key is ours', () => {
  const { bytes } = new Challenges(randomBytes, KEY).issue(16);
  expect(new Challenges(randomBytes, KEY).isOurs(bytes)).toBe(true);
  expect(new Challenges(randomBytes).isOurs(bytes)).toBe(false);
});

test('a challenge with any one bit changed, a part of it, or one with more behind it, is not ours', () => {
  const challenges = repeatableChallenges();
  const { bytes } = challenges.issue(16);
  expect(challenges.isOurs(bytes.subarray(1))).toBe(false);
  expect(challenges.isOurs(bytes.subarray(0, 15))).toBe(false);
  expect(challenges.isOurs(Buffer.concat([bytes, Buffer.of(0)]))).toBe(false);
  for (let bit = 0; bit < 128; bit++) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    expect(challenges.isOurs(changed)).toBe(false);
  }
});

test.each([0, 1, 12, 13, 1024])("a peer's challenge of %i bytes is not ours", (length) => {
  const theirs = createHash('shake256', { outputLength: Math.max(length, 1) })
    .update('peer')
    .digest();
  expect(repeatableChallenges().isOurs(theirs.subarray(0, length))).toBe(false);
});
