import { expect, test } from 'vitest';
import { printable, printableJson } from '../../../src/telemetry/printable.ts';

const HOSTILE = [
  ['an escape sequence', 'a\u001b[2Jb'],
  ['the one-byte form of one', 'a\u009b2Jb'],
  ['a window title', 'a\u001b]0;x\u0007b'],
  ['a carriage return', 'a\rb'],
  ['a line of its own', 'a\nb'],
  ['a backspace', 'a\u0008b'],
  ['text turned around', 'a\u202eb'],
  ['a space without width', 'a\u200bb'],
  ['a line separator', 'a\u2028b'],
  ['half of a character', 'a\ud800b'],
  ['a tag that nobody sees', 'a\u{e0041}b'],
  ['DEL', 'a\u007fb'],
] as const;

/** Nothing but what has a glyph or is a plain space. */
const SAFE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u;

test.each(HOSTILE)('%s does not come through', (_what, text) => {
  expect(printable(text)).toMatch(SAFE);
  expect(printable(text)).toMatch(/^a.*b$/u);
});

test.each(HOSTILE)('%s is in JSON as an escape, and comes back', (_what, text) => {
  const json = printableJson([text]);
  expect(json.replaceAll('\n', ' ')).toMatch(SAFE);
  expect(JSON.parse(json)).toEqual([text]);
});

test('names in other scripts stay as they are', () => {
  expect(printable('iqn.2026-01.org.example:диск-磁盤-é😀')).toBe('iqn.2026-01.org.example:диск-磁盤-é😀');
});
