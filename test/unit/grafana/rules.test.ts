import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { dashboards } from '../../../grafana/src/dashboards.ts';
import { isCounter, metricOf } from '../../support/metricNames.ts';
import { parsePromql } from '../../support/promql.ts';

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly labels?: { readonly severity?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (file: string): string => readFileSync(root + file, 'utf8');

const folder = 'grafana/prometheus/rules/';
const rules = readdirSync(root + folder).flatMap((file) =>
  (parse(read(folder + file)) as { groups: { rules: Rule[] }[] }).groups.flatMap(({ rules }) => rules),
);
const records = rules.filter(({ record }) => record !== undefined).map(({ record }) => record!);
const alerts = rules.filter(({ alert }) => alert !== undefined);
const named = rules.map((rule) => ({ ...rule, name: rule.alert ?? rule.record! }));

test.each(named)('$name is PromQL about metrics, labels and recorded series that there are', ({ expr }) => {
  const { selectors } = parsePromql(expr);
  expect(selectors.length).toBeGreaterThan(0);
  for (const { name, matchers } of selectors) {
    if (name.includes(':')) expect(records).toContain(name);
    else {
      const labels = metricOf(name)?.labels;
      expect(labels, name).toBeDefined();
      const matched = matchers.map((matcher) => /^\w+/.exec(matcher)![0]);
      expect(['job', ...labels!], name).toEqual(expect.arrayContaining(matched));
    }
  }
});

test.each(named)('$name takes counters as growth', ({ expr }) => {
  // "x unless x offset 15m" is a series that has just begun, and so has no growth yet.
  const grown = expr.replaceAll(/(\w+(?:\{[^}]*\})?)\s+unless\s+\1\s+offset\s+\w+/g, '0');
  for (const { name, inside } of parsePromql(grown).selectors) {
    expect(inside[0] === 'rate' || inside[0] === 'increase', name).toBe(isCounter(name));
  }
});

test.each(records)('%s is named level:metric:operations', (record) => {
  expect(record).toMatch(/^[a-z_]+:sangate_[a-z_]+:[a-z0-9_]+$/);
});

test.each(alerts)('$alert says how urgent it is, what has happened, and where to read on', (rule) => {
  expect(rule.alert).toMatch(/^Sangate[A-Z]\w+$/);
  expect(['page', 'warning']).toContain(rule.labels?.severity);
  expect(rule.annotations?.['summary']).toMatch(/\S/);
  expect(rule.annotations?.['description']).toMatch(/\.$/);
  expect(rule.annotations?.['runbook']).toBe(`docs/runbook.md#${rule.alert!.toLowerCase()}`);
});

test('every alert has its heading in the runbook and every heading its alert', () => {
  const headings = [...read('docs/runbook.md').matchAll(/^### (.*)$/gm)].map(([, heading]) => heading!);
  expect(headings.sort()).toEqual(alerts.map(({ alert }) => alert!).sort());
});

test.each(alerts)('the runbook calls $alert a page exactly if it is one', ({ alert, labels }) => {
  const [, first] = new RegExp(`^### ${alert}\\n\\n(\\w+)\\.`, 'm').exec(read('docs/runbook.md')) ?? [];
  expect(first?.toLowerCase()).toBe(labels?.severity);
});

test('every panel that the runbook names is there', () => {
  const titles = Object.values(dashboards()).flatMap(({ panels = [] }) => panels.map(({ title }) => title));
  // A panel stands in italics; what is in bold has two asterisks.
  const text = read('docs/runbook.md')
    .replaceAll(/\*\*[^*]*\*\*/g, '')
    .replaceAll(/\s+/g, ' ');
  const italics = [...text.matchAll(/\*([A-Z][^*]*)\*/g)].map(([, title]) => title!);
  expect(italics.length).toBeGreaterThan(30);
  expect(italics.filter((title) => !titles.includes(title))).toEqual([]);
});

test('every alert is tested', () => {
  const tests = read('grafana/prometheus/tests/alerts.yaml');
  const firing = alerts.filter(({ alert }) =>
    tests.includes(`labels: 'ALERTS{alertname="${alert}", alertstate="firing"`),
  );
  expect(firing).toEqual(alerts);
});

test('links within the runbook lead to its headings', () => {
  const text = read('docs/runbook.md');
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!.toLowerCase().replaceAll(' ', '-'),
  );
  const links = [...text.matchAll(/\]\(#([^)]*)\)/g)].map(([, link]) => link!);
  expect(links.length).toBeGreaterThan(5);
  expect(links.filter((link) => !headings.includes(link))).toEqual([]);
});
