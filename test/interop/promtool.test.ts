import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { expressions, plainPromql } from '../../grafana/src/dashboards.ts';
import { temporaryDirectory } from '../support/temporaryDirectory.ts';
import { runOk } from './support/process.ts';

// Prometheus' own tool about the rules, their tests and the expressions of the dashboards.

const root = fileURLToPath(new URL('../../', import.meta.url));
const yamlIn = (folder: string): string[] =>
  readdirSync(path.join(root, folder)).map((file) => path.join(root, folder, file));

test('Prometheus takes the rules', async () => {
  const said = await runOk('promtool', ['check', 'rules', ...yamlIn('grafana/prometheus/rules')]);
  expect(said).not.toMatch(/FAILED|duplicate/);
});

test('every rule records and every alert fires, and stays silent, as its tests say', async () => {
  await runOk('promtool', ['test', 'rules', ...yamlIn('grafana/prometheus/tests')]);
});

test('Prometheus takes the scrape configuration', async () => {
  await runOk('promtool', ['check', 'config', '--syntax-only', path.join(root, 'deploy/prometheus.yaml')]);
});

test('Prometheus takes the expression of every panel', async () => {
  const rules = expressions().map(({ expr }, i) => ({
    record: `panel:${i}`,
    expr: plainPromql(expr, { rateInterval: '1m', range: '6h' }),
  }));
  const file = path.join(await temporaryDirectory(), 'panels.json'); // JSON is YAML
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'panels', rules }] }));
  expect(await runOk('promtool', ['check', 'rules', file])).toContain(`${rules.length} rules found`);
});
