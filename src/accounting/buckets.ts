/** Upper bounds of the duration histograms in seconds: 100 µs to 10 s in steps of 1, 2.5 and 5. */
export const DURATION_BOUNDS: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Upper bounds of the size histogram in bytes: a block, a page, and what operating systems cut their I/O to. */
export const SIZE_BOUNDS: readonly number[] = [
  512, 4096, 8192, 16_384, 32_768, 65_536, 131_072, 262_144, 524_288, 1_048_576, 4_194_304,
];

/** As DURATION_BOUNDS, in the milliseconds of the clock. */
export const DURATION_BOUNDS_MS = Float64Array.from(DURATION_BOUNDS, (seconds) => seconds * 1000);
export const SIZE_BOUNDS_BYTES = Float64Array.from(SIZE_BOUNDS);

/** The first bucket that holds the value; behind the last bound there is one more. Most values fall into the first few. */
export function bucketOf(bounds: Float64Array, value: number): number {
  let bucket = 0;
  while (bucket < bounds.length && value > bounds[bucket]!) bucket++;
  return bucket;
}
