import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { gateway } from './gateway.ts';
import { initiator } from './initiator.ts';
import { overview } from './overview.ts';
import { security } from './security.ts';
import { targetAndLun } from './targetAndLun.ts';

/** All dashboards, by the name of the file under `grafana/dashboards/`. */
export function dashboards(): Readonly<Record<string, Dashboard>> {
  return {
    'overview.json': overview(),
    'initiator.json': initiator(),
    'target-lun.json': targetAndLun(),
    'security.json': security(),
    'gateway.json': gateway(),
  };
}

export interface Expression {
  /** Title of the dashboard. */
  readonly dashboard: string;
  /** Title of the panel. */
  readonly panel: string;
  /** PromQL with Grafana's variables still in it: `plainPromql` puts values in their place. */
  readonly expr: string;
}

/** Every expression of every panel. */
export function expressions(): Expression[] {
  return Object.values(dashboards()).flatMap(({ title, panels = [] }) =>
    panels.flatMap((panel) =>
      (('targets' in panel ? panel.targets : undefined) ?? []).map((target) => ({
        dashboard: title ?? '',
        panel: panel.title ?? '',
        expr: (target as unknown as { readonly expr: string }).expr,
      })),
    ),
  );
}

/**
 * Puts values in the place of Grafana's variables, so that Prometheus can answer.
 *
 * @param ranges as Grafana would choose them, e.g. `{ rateInterval: '1m', range: '6h' }`
 */
export function plainPromql(expr: string, ranges: { rateInterval: string; range: string }): string {
  return expr
    .replaceAll('$__rate_interval', ranges.rateInterval)
    .replaceAll('$__range', ranges.range)
    .replaceAll(/\$\w+/g, '.+'); // "All" of a choice
}
