import { expect, test } from 'vitest';
import { bytes, count, duration, percent, span, throughput } from '../../../src/telemetry/figures.ts';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [10_188, '9.9 KiB'],
  [10_230, '10 KiB'],
  [1_023_999, '1.0 MiB'],
  [1_048_576, '1.0 MiB'],
  [1_288_490_189, '1.2 GiB'],
  [2 ** 53 - 1, '8.0 PiB'],
])('%i bytes are %s', (value, text) => {
  expect(bytes(value)).toBe(text);
});

test.each([
  [0, '0'],
  [999, '999'],
  [1000, '1.0 k'],
  [12_345, '12 k'],
  [999_499, '999 k'],
  [999_500, '1.0 M'],
  [4_200_000_000, '4.2 G'],
])('%i commands are %s', (value, text) => {
  expect(count(value)).toBe(text);
});

test.each([
  [0, '0 B/s'],
  [0.4, '0 B/s'],
  [999.6, '1.0 kB/s'],
  [1500, '1.5 kB/s'],
  [249_600_000, '250 MB/s'],
])('%d bytes a second are %s', (value, text) => {
  expect(throughput(value)).toBe(text);
});

test.each([
  [undefined, '–'],
  [0, '0 µs'],
  [0.000_085, '85 µs'],
  [0.0012, '1.2 ms'],
  [0.9996, '1.0 s'],
  [12, '12 s'],
])('a time of %d s is %s', (value, text) => {
  expect(duration(value)).toBe(text);
});

test.each([
  [undefined, '–'],
  [0, '0 %'],
  [0.001, '<1 %'],
  [0.666, '67 %'],
  [0.9999, '>99 %'],
  [1, '100 %'],
])('a share of %d is %s', (value, text) => {
  expect(percent(value)).toBe(text);
});

test.each([
  [-5, '0 s'],
  [59.9, '59 s'],
  [60, '1 min'],
  [320, '5 min 20 s'],
  [86_400, '1 d'],
  [273_600, '3 d 4 h'],
])('%d seconds are %s', (value, text) => {
  expect(span(value)).toBe(text);
});
