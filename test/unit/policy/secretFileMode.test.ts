import { expect, test } from 'vitest';
import { secretFileProblem } from '../../../src/policy/secretFileMode.ts';

test.each([0o600, 0o400, 0o640, 0o440])('mode %o keeps a secret', (mode) => {
  expect(secretFileProblem(0o100000 | mode)).toBeUndefined();
});

test.each([0o604, 0o602, 0o601, 0o644, 0o777])('mode %o is open to everybody', (mode) => {
  const digits = mode.toString(8);
  expect(secretFileProblem(0o100000 | mode)).toBe(`is open to every user of this machine (mode ${digits})`);
});

test.each([0o620, 0o660])('mode %o lets the group write', (mode) => {
  expect(secretFileProblem(0o100000 | mode)).toBe(`can be written by its group (mode ${mode.toString(8)})`);
});
