import { expect, test } from 'vitest';
import { dashboards, expressions, plainPromql } from '../../../grafana/src/dashboards.ts';
import { isCounter, metricOf } from '../../support/metricNames.ts';
import { parsePromql } from '../../support/promql.ts';

const plain = (expr: string): string => plainPromql(expr, { rateInterval: '1m', range: '6h' });

const all = expressions();

test('every panel of every dashboard has expressions', () => {
  const panels = Object.values(dashboards()).flatMap(({ title, panels = [] }) =>
    panels.filter(({ type }) => type !== 'row').map((panel) => `${title}: ${panel.title}`),
  );
  expect([...new Set(all.map(({ dashboard, panel }) => `${dashboard}: ${panel}`))]).toEqual(panels);
});

test.each(all)('$dashboard, $panel: is PromQL about metrics and labels that there are: $expr', ({ expr }) => {
  const { selectors, groupings } = parsePromql(plain(expr));
  expect(selectors.length).toBeGreaterThan(0);
  const labels = ['job', 'instance'];
  for (const { name, matchers } of selectors) {
    const known = metricOf(name);
    expect(known, name).toBeDefined();
    const own = ['job', 'instance', ...known!.labels];
    labels.push(...own);
    expect(own, name).toEqual(expect.arrayContaining(matchers.map((matcher) => /^\w+/.exec(matcher)![0])));
  }
  expect([...labels, 'le']).toEqual(expect.arrayContaining([...groupings]));
});

test.each(all)('$dashboard, $panel: asks only the gateways that are chosen: $expr', ({ expr }) => {
  for (const { name, matchers } of parsePromql(expr.replaceAll(/\[\$\w+\]/g, '[1m]')).selectors) {
    expect(matchers, name).toEqual(expect.arrayContaining(['job=~"$job"', 'instance=~"$instance"']));
  }
});

test.each(all)('$dashboard, $panel: counters count as growth, nothing else does: $expr', ({ expr }) => {
  for (const { name, inside } of parsePromql(plain(expr)).selectors) {
    const isGrowth = inside[0] === 'rate' || inside[0] === 'increase';
    expect(isGrowth, name).toBe(isCounter(name));
  }
});

test.each(all)('$dashboard, $panel: ranges are those that Grafana chooses: $expr', ({ expr }) => {
  for (const [range] of expr.matchAll(/\[[^\]]*\]/g))
    expect(['[$__rate_interval]', '[$__range]']).toContain(range);
  expect(expr).not.toMatch(/\brate\([^[]*\[\$__range\]/);
});

test.each(all.filter(({ expr }) => /\/|histogram_quantile/.test(expr)))(
  '$dashboard, $panel: gives nothing, and not NaN, while idle: $expr',
  ({ expr }) => {
    if (expr.startsWith('histogram_quantile')) expect(expr).toMatch(/\) >= 0$/);
    else expect(expr).toMatch(/ \/ \(.* > 0\)$/);
  },
);

test('variables of Grafana are gone from a plain expression', () => {
  expect(
    plainPromql('rate(x{job=~"$job"}[$__rate_interval]) + increase(x[$__range])', {
      rateInterval: '1m',
      range: '6h',
    }),
  ).toBe('rate(x{job=~".+"}[1m]) + increase(x[6h])');
});
