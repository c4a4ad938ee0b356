/** Label matchers that all expressions of a dashboard share. */
export type Scope = readonly string[];

export const JOB = 'job=~"$job"';
/** The gateways that are chosen at the top of every dashboard. */
export const GATEWAYS: Scope = [JOB, 'instance=~"$instance"'];
/** Commands that carry data. What else there is (INQUIRY, TEST UNIT READY …) would only blur latency and shares. */
export const READS_AND_WRITES = 'class=~"read|write"';

export const series = (metric: string, scope: Scope, ...more: string[]): string =>
  `${metric}{${[...scope, ...more].join(', ')}}`;

/** Growth of a counter, a second. */
export const rate = (counter: string, scope: Scope, ...more: string[]): string =>
  `rate(${series(counter, scope, ...more)}[$__rate_interval])`;

/** For what is rare: 0.003 a second says little. */
export const perMinute = (counter: string, scope: Scope, labels: string[], ...more: string[]): string =>
  `60 * ${sum(rate(counter, scope, ...more), ...labels)}`;

/** Growth of a counter over all of the time that the dashboard shows. */
export const inShownTime = (counter: string, scope: Scope, ...more: string[]): string =>
  `increase(${series(counter, scope, ...more)}[$__range])`;

export const sum = (expr: string, ...by: string[]): string => `sum${grouping(by)}(${expr})`;
export const max = (expr: string, ...by: string[]): string => `max${grouping(by)}(${expr})`;
export const min = (expr: string, ...by: string[]): string => `min${grouping(by)}(${expr})`;

/** No value, in place of NaN, while there is nothing to divide by: an idle SAN has no share of reads. */
export const ratio = (part: string, whole: string): string => `${part} / (${whole} > 0)`;

/** @returns a histogram's rate, by bucket */
export const buckets = (histogram: string, scope: Scope, by: string[], ...more: string[]): string =>
  sum(rate(`${histogram}_bucket`, scope, ...more), 'le', ...by);

/** No value, in place of NaN, while nothing was observed: NaN is neither above 0 nor equal to it. */
export const quantile = (
  q: number,
  histogram: string,
  scope: Scope,
  by: string[],
  ...more: string[]
): string => `histogram_quantile(${q}, ${buckets(histogram, scope, by, ...more)}) >= 0`;

const grouping = (by: string[]): string => (by.length === 0 ? '' : ` by (${by.join(', ')}) `);
