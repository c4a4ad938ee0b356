import { expect, test } from 'vitest';
import { familyHeader, histogramSeries, labelPairs, series } from '../../../src/telemetry/textFormat.ts';

test('a family begins with what it is', () => {
  const family = { name: 'a_total', type: 'counter', help: 'One \\ two\nthree "four".', labels: [] } as const;
  expect(familyHeader(family)).toBe('# HELP a_total One \\\\ two\\nthree "four".\n# TYPE a_total counter\n');
});

test('labels cannot break out of their quotes', () => {
  const labels = labelPairs({ initiator: 'a"b\\c\nd', lun: '0' });
  expect(labels).toBe(String.raw`initiator="a\"b\\c\nd",lun="0"`);
  expect(series('a', labels, 1.5)).toBe(`a{${labels}} 1.5\n`);
});

test('the buckets of a histogram count all that is below them', () => {
  const text = histogramSeries('a', 'lun="0"', { bounds: [0.001, 4096], counts: [2, 0, 3], sum: 7.5 });
  expect(text.split('\n')).toEqual([
    'a_bucket{lun="0",le="0.001"} 2',
    'a_bucket{lun="0",le="4096"} 2',
    'a_bucket{lun="0",le="+Inf"} 5',
    'a_sum{lun="0"} 7.5',
    'a_count{lun="0"} 5',
    '',
  ]);
});
