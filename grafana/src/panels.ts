import type { Builder, Dataquery as AnyQuery } from '@grafana/grafana-foundation-sdk/cog';
import * as bargauge from '@grafana/grafana-foundation-sdk/bargauge';
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as heatmap from '@grafana/grafana-foundation-sdk/heatmap';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as statetimeline from '@grafana/grafana-foundation-sdk/statetimeline';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';
import { valueColumns, type Column } from './tableColumns.ts';

export const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

export interface Query {
  readonly expr: string;
  /** Of the series; `{{label}}` stands for a label. */
  readonly legend: string;
}

/** What every panel says about itself. */
export interface Panel {
  readonly title: string;
  readonly description: string;
  readonly unit: string;
  readonly queries: readonly Query[];
  /** Of 24 columns; on a phone every panel has all of them. */
  readonly width: number;
  readonly height?: number;
  /** Shown in place of a value while there is none. */
  readonly empty?: string;
  readonly decimals?: number;
  /** The scale's end, where there is one: 1 for a share. */
  readonly max?: number;
  readonly thresholds?: readonly dashboard.Threshold[];
  readonly mappings?: readonly dashboard.ValueMapping[];
  readonly link?: Link;
}

export interface Link {
  readonly title: string;
  readonly url: string;
}

/** The same thing has the same colour on every panel. */
const COLOURS: Readonly<Record<string, string>> = {
  Reads: 'blue',
  Writes: 'orange',
  Other: 'semi-dark-purple',
  Array: 'semi-dark-blue',
  Initiator: 'semi-dark-yellow',
  Gateway: 'semi-dark-green',
};

/** Figures of this moment. */
export function figures(panel: Panel): Builder<dashboard.Panel> {
  return dress(new stat.PanelBuilder(), panel, { height: 5, instant: true })
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false))
    .graphMode(common.BigValueGraphMode.None)
    .colorMode(common.BigValueColorMode.Value)
    .textMode(panel.queries.length > 1 ? common.BigValueTextMode.ValueAndName : common.BigValueTextMode.Auto);
}

/** A line a series over time; `stacked` where the sum of them means something too. */
export function lines(panel: Panel & { readonly stacked?: boolean }): Builder<dashboard.Panel> {
  const built = dress(new timeseries.PanelBuilder(), panel, { height: 8 })
    .min(0)
    .lineWidth(1)
    .fillOpacity(panel.stacked === true ? 40 : 8)
    .showPoints(common.VisibilityMode.Auto)
    .spanNulls(false)
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.Table)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true)
        .calcs(['lastNotNull', 'max']),
    )
    .tooltip(
      new common.VizTooltipOptionsBuilder()
        .mode(common.TooltipDisplayMode.Multi)
        .sort(common.SortOrder.Descending),
    );
  if (panel.stacked === true) {
    built.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group('A'));
  }
  return built;
}

/** How a histogram moves: the darker a cell, the more commands of that size or latency a second. */
export function heatMap(panel: Panel): Builder<dashboard.Panel> {
  return dress(new heatmap.PanelBuilder(), panel, { height: 10, format: prometheus.PromQueryFormat.Heatmap })
    .calculate(false)
    .color({
      build: () => ({
        mode: heatmap.HeatmapColorMode.Scheme,
        scheme: 'Oranges',
        fill: 'dark-orange',
        scale: heatmap.HeatmapColorScale.Exponential,
        exponent: 0.5,
        steps: 64,
        reverse: false,
      }),
    })
    .yAxis({ build: () => ({ unit: panel.unit, axisPlacement: common.AxisPlacement.Left }) })
    .cellValues({ build: () => ({ unit: 'iops', decimals: 1 }) })
    .filterValues({ build: () => ({ le: 1e-9 }) })
    .cellGap(1)
    .showLegend();
}

/** The greatest of many, now. */
export function bars(panel: Panel): Builder<dashboard.Panel> {
  return dress(new bargauge.PanelBuilder(), panel, { height: 8, instant: true })
    .min(0)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false))
    .orientation(common.VizOrientation.Horizontal)
    .displayMode(common.BarGaugeDisplayMode.Basic)
    .showUnfilled(true);
}

/** States over time, each with its name and colour. */
export function states(panel: Panel): Builder<dashboard.Panel> {
  return dress(new statetimeline.PanelBuilder(), panel, { height: 6 })
    .mergeValues(true)
    .showValue(common.VisibilityMode.Auto)
    .rowHeight(0.8);
}

/** A row for each combination of labels; query n fills `columns[n]`. */
export function rows(
  panel: Panel & { readonly labels: Readonly<Record<string, string>>; readonly columns: readonly Column[] },
): Builder<dashboard.Panel> {
  const built = dress(new table.PanelBuilder(), panel, {
    height: 8,
    instant: true,
    format: prometheus.PromQueryFormat.Table,
  });
  const { transformations, overrides } = valueColumns(panel.labels, panel.columns);
  built.transformations(transformations);
  for (const { name, properties } of overrides) built.overrideByName(name, properties);
  return built;
}

interface Look {
  readonly height: number;
  readonly instant?: boolean;
  readonly format?: prometheus.PromQueryFormat;
}

/** What the builders of all kinds of panels share; the SDK has no common type for them. */
interface Dressable {
  title(title: string): this;
  description(description: string): this;
  datasource(datasource: common.DataSourceRef): this;
  unit(unit: string): this;
  span(width: number): this;
  height(height: number): this;
  noValue(text: string): this;
  decimals(decimals: number): this;
  max(max: number): this;
  thresholds(thresholds: Builder<dashboard.ThresholdsConfig>): this;
  mappings(mappings: dashboard.ValueMapping[]): this;
  dataLinks(links: Builder<dashboard.DashboardLink>[]): this;
  targets(targets: Builder<AnyQuery>[]): this;
  overrideByName(name: string, properties: dashboard.DynamicConfigValue[]): this;
}

function dress<B extends Dressable>(builder: B, panel: Panel, look: Look): B {
  builder
    .title(panel.title)
    .description(panel.description)
    .datasource(DATASOURCE)
    .unit(panel.unit)
    .span(panel.width)
    .height(panel.height ?? look.height)
    .noValue(panel.empty ?? 'no data')
    .thresholds(
      new dashboard.ThresholdsConfigBuilder()
        .mode(dashboard.ThresholdsMode.Absolute)
        .steps([...(panel.thresholds ?? [{ value: null, color: 'text' }])]),
    )
    .targets(panel.queries.map((query, i) => target(query, i, look)));
  if (panel.decimals !== undefined) builder.decimals(panel.decimals);
  if (panel.max !== undefined) builder.max(panel.max);
  if (panel.mappings !== undefined) builder.mappings([...panel.mappings]);
  if (panel.link !== undefined) {
    builder.dataLinks([new dashboard.DashboardLinkBuilder(panel.link.title).url(panel.link.url)]);
  }
  for (const { legend } of panel.queries) {
    const fixedColor = COLOURS[legend];
    if (fixedColor === undefined) continue;
    builder.overrideByName(legend, [{ id: 'color', value: { mode: 'fixed', fixedColor } }]);
  }
  return builder;
}

function target({ expr, legend }: Query, index: number, { instant, format }: Look): Builder<AnyQuery> {
  const query = new prometheus.DataqueryBuilder()
    .datasource(DATASOURCE)
    .refId(String.fromCodePoint('A'.codePointAt(0)! + index))
    .expr(expr)
    .legendFormat(legend)
    .editorMode(prometheus.QueryEditorMode.Code);
  if (format !== undefined) query.format(format);
  return instant === true ? query.instant() : query.range();
}
