import { expect, test } from 'vitest';
import { didYouMean } from '../../../src/config/didYouMean.ts';

test.each([
  ['inititators', 'initiators'],
  ['lsiten', 'listen'],
  ['client_ca', 'clientCa'],
  ['Backends', 'backends'],
])('%s means %s', (word, meant) => {
  expect(didYouMean(word, ['listen', 'backends', 'initiators', 'clientCa'])).toBe(meant);
});

test('the nearest of several is meant', () => {
  expect(didYouMean('sha-256', ['sha3-256', 'sha256', 'sha1'])).toBe('sha256');
});

test('a word far from all is none of them', () => {
  expect(didYouMean('luns', ['target'])).toBeUndefined();
});

test('a very long word is not compared', () => {
  expect(didYouMean('a'.repeat(100_000), ['a'.repeat(100_000)])).toBeUndefined();
});
