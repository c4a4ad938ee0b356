import { expect, test } from 'vitest';
import { lunRanges } from '../../../src/explain/lunRanges.ts';

test.each([
  [[0], '0'],
  [[0, 1, 2, 3, 7], '0-3, 7'],
  [[7, 1, 0], '0-1, 7'],
  [[1, 1], '1'],
  [[], ''],
])('%j is %s', (luns, text) => {
  expect(lunRanges(luns)).toBe(text);
});
