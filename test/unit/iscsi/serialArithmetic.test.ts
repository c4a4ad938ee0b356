import { expect, test } from 'vitest';
import { serialAdd, serialBefore } from '../../../src/iscsi/serialArithmetic.ts';

test('the number after the last one is 0', () => {
  expect(serialAdd(0xffffffff, 1)).toBe(0);
  expect(serialAdd(0, -1)).toBe(0xffffffff);
  expect(serialAdd(0x7fffffff, 1)).toBe(0x80000000);
});

test.each([
  [1, 2, true],
  [2, 1, false],
  [7, 7, false],
  [0xffffffff, 0, true],
  [0, 0xffffffff, false],
  [0xfffffff0, 5, true],
  [0, 0x7fffffff, true],
  [0, 0x80000000, false],
  [0x80000000, 0, false],
])('%i comes before %i: %s', (a, b, answer) => {
  expect(serialBefore(a, b)).toBe(answer);
});
