import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { METRIC_EXAMPLES } from '../../../src/telemetry/metricExamples.ts';
import { metricsReference } from '../../../src/telemetry/metricsReference.ts';

test('docs/metrics.md is what is scraped', () => {
  const file = fileURLToPath(new URL('../../../docs/metrics.md', import.meta.url));
  const generated = metricsReference();
  if (process.env['UPDATE_GENERATED'] === '1') writeFileSync(file, generated);
  expect(readFileSync(file, 'utf8'), 'run with UPDATE_GENERATED=1 to write it anew').toBe(generated);
});

test('no metric of a gateway is there twice', () => {
  const [gateway] = metricsReference().split('## Stub');
  const names = [...gateway!.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name!);
  expect(names.length).toBeGreaterThan(30);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});

test.each(METRIC_EXAMPLES)('$question asks for metrics that there are', ({ query }) => {
  const named = [...query.matchAll(/sangate_\w+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, ''));
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter((name) => !metricsReference().includes(`| \`${name}\` |`))).toEqual([]);
});
