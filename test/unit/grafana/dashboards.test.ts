import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { format, resolveConfig } from 'prettier';
import { describe, expect, test } from 'vitest';
import { dashboards } from '../../../grafana/src/dashboards.ts';

const folder = fileURLToPath(new URL('../../../grafana/dashboards/', import.meta.url));
const all = Object.entries(dashboards());

test.each(all)('grafana/dashboards/%s is what grafana/src builds', async (name, dashboard) => {
  const file = path.join(folder, name);
  const options = { ...(await resolveConfig(file)), filepath: file };
  const content = await format(JSON.stringify(dashboard), options);
  if (process.env['UPDATE_GENERATED'] === '1') writeFileSync(file, content);
  expect(readFileSync(file, 'utf8'), 'run with UPDATE_GENERATED=1 to write it anew').toBe(content);
});

test('nothing lies in grafana/dashboards that is not built', () => {
  expect(readdirSync(folder).sort()).toEqual(all.map(([name]) => name).sort());
});

test('every dashboard has a uid of its own, which never changes', () => {
  expect(all.map(([, { uid }]) => uid)).toEqual([
    'sangate-overview',
    'sangate-initiator',
    'sangate-target-lun',
    'sangate-security',
    'sangate-gateway',
  ]);
});

test('the first two panels of the overview say what share is reads and what is writes', () => {
  const panels = panelsOf(dashboards()['overview.json']!);
  expect(panels.slice(0, 2).map(({ title }) => title)).toEqual([
    'Reads and writes, by commands',
    'Reads and writes, by bytes',
  ]);
});

describe.each(all)('%s', (_name, dashboard) => {
  const panels = panelsOf(dashboard);

  test('can be found by a tag and leads to the others, with the time and the choices that are set', () => {
    expect(dashboard.tags).toContain('sangate');
    expect(dashboard.links).toMatchObject([
      { type: 'dashboards', tags: ['sangate'], includeVars: true, keepTime: true },
    ]);
  });

  test('is changed in the repository and not in Grafana', () => {
    expect(dashboard.editable).toBe(false);
  });

  test('lets one choose data source, job and instance', () => {
    const variables = dashboard.templating?.list ?? [];
    expect(variables.slice(0, 3)).toMatchObject([
      { name: 'datasource', type: 'datasource', query: 'prometheus' },
      { name: 'job', type: 'query', multi: true, includeAll: true, allValue: '.+' },
      { name: 'instance', type: 'query', multi: true, includeAll: true, allValue: '.+' },
    ]);
    for (const { type, datasource, refresh } of variables.slice(1)) {
      expect({ type, uid: datasource?.uid, refresh }).toEqual({
        type: 'query',
        uid: '${datasource}',
        refresh: 2,
      });
    }
  });

  test('has panels with title, description, unit and a word for "no value"', () => {
    expect(panels.length).toBeGreaterThan(10);
    for (const { title, description, fieldConfig } of panels) {
      expect(title).toMatch(/\S/);
      expect(description, title).toMatch(/\.$/);
      expect(fieldConfig?.defaults.unit, title).toMatch(/\S/);
      expect(fieldConfig?.defaults.noValue, title).toMatch(/\S/);
    }
  });

  test('has no two panels of one title, which the runbook names them by', () => {
    const titles = panels.map(({ title }) => title);
    expect(titles).toEqual([...new Set(titles)]);
  });

  test('asks the data source that is chosen', () => {
    for (const { title, datasource, targets = [] } of panels) {
      expect(targets.length, title).toBeGreaterThan(0);
      for (const each of [
        datasource,
        ...targets.map((target) => (target as { datasource?: unknown }).datasource),
      ]) {
        expect(each, title).toEqual({ type: 'prometheus', uid: '${datasource}' });
      }
    }
  });

  test('is one grid without gaps to the left, overlaps or panels beyond the edge', () => {
    for (const { title, gridPos } of panels) expect(gridPos!.x + gridPos!.w, title).toBeLessThanOrEqual(24);
    const cells = (dashboard.panels ?? []).flatMap(({ gridPos }) => cellsOf(gridPos!));
    expect(cells.length).toBe(new Set(cells).size);
  });
});

function panelsOf({ panels = [] }: Dashboard): Panel[] {
  return panels.filter((panel): panel is Panel => panel.type !== 'row');
}

function cellsOf({ x, y, w, h }: { x: number; y: number; w: number; h: number }): string[] {
  return Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`);
}
