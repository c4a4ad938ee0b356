import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Secret, UNREAD_SECRET } from '../../../src/policy/secret.ts';

const TEXT = 'correct horse battery';
const secret = new Secret(Buffer.from(TEXT));
const chap = { user: 'db1', secret };

/** Any of the ways in which the bytes could be written. */
const TRACES = [
  TEXT,
  Buffer.from(TEXT).toString('hex'),
  Buffer.from(TEXT).toString('base64'),
  '99, 111, 114',
];

test.each<[string, () => string]>([
  ['JSON.stringify', () => JSON.stringify(chap)],
  ['a template string', () => `secret: ${secret as unknown as string}`],
  ['String()', () => String(secret)],
  ['util.inspect', () => inspect(chap)],
  ['util.inspect with hidden properties', () => inspect(chap, { showHidden: true, depth: 9 })],
  ['an error message', () => new Error(`wrong: ${secret as unknown as string}`).stack ?? ''],
  ["an error's inspected cause", () => inspect(new Error('wrong', { cause: chap }))],
  ['its own keys', () => JSON.stringify([Object.entries(secret), Reflect.ownKeys(secret)])],
  ['a structured clone', () => inspect(structuredClone(secret))],
  ['a copy', () => inspect(Object.assign({}, secret))],
])('a secret does not show in %s', (_, show) => {
  const shown = show();
  for (const trace of TRACES) expect(shown).not.toContain(trace);
});

test('a secret gives its bytes to whoever asks by name', () => {
  expect(Buffer.from(secret.reveal()).toString()).toBe(TEXT);
  expect(secret.length).toBe(TEXT.length);
});

test('a secret does not change with the buffer it was made from', () => {
  const bytes = Buffer.from(TEXT);
  const copy = new Secret(bytes);
  bytes.fill(0);
  expect(Buffer.from(copy.reveal()).toString()).toBe(TEXT);
});

test('a secret that was not read is not an empty one: whoever uses it fails', () => {
  expect(() => UNREAD_SECRET.reveal()).toThrow('this secret was not read');
  expect(() => UNREAD_SECRET.length).toThrow('this secret was not read');
  expect(inspect(UNREAD_SECRET)).toBe('[secret]');
});
