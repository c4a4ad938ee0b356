import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import { DATASOURCE } from './panels.ts';
import { GATEWAYS, JOB, series } from './promql.ts';

/** Grafana keeps links, stars and permissions by uid: these never change. */
export const UIDS = {
  overview: 'sangate-overview',
  initiator: 'sangate-initiator',
  targetAndLun: 'sangate-target-lun',
  security: 'sangate-security',
  gateway: 'sangate-gateway',
} as const;

const TAG = 'sangate';

/** A choice at the top of a dashboard: the values of a label. */
export interface Choice {
  /** Of the label, and of the variable. */
  readonly name: string;
  readonly label: string;
  /** The series that have it. */
  readonly of: string;
}

interface Frame {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly choices?: readonly Choice[];
  readonly sections: readonly Section[];
}

interface Section {
  readonly title: string;
  readonly panels: readonly Builder<dashboard.Panel>[];
}

/** A dashboard: choices, links to the others, marks where the gateway was reloaded, sections of panels in reading order. */
export function frame({ uid, title, description, choices = [], sections }: Frame): dashboard.Dashboard {
  const builder = new dashboard.DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags([TAG, 'iscsi'])
    .readonly()
    .timezone('browser')
    .time({ from: 'now-6h', to: 'now' })
    .refresh('30s')
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .link(
      new dashboard.DashboardLinkBuilder('sangate')
        .type(dashboard.DashboardLinkType.Dashboards)
        .tags([TAG])
        .asDropdown(false)
        .includeVars(true)
        .keepTime(true),
    )
    .withVariable(
      new dashboard.DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'),
    )
    // A stub has sangate_build_info too, but no sessions.
    .withVariable(choice({ name: 'job', label: 'Job', of: 'sangate_sessions' }))
    .withVariable(choice({ name: 'instance', label: 'Instance', of: series('sangate_sessions', [JOB]) }))
    .annotation(
      new dashboard.AnnotationQueryBuilder()
        .name('Reloads')
        .datasource(DATASOURCE)
        .enable(true)
        .iconColor('purple')
        .expr(`${series('sangate_config_last_reload_success_timestamp_seconds', GATEWAYS)} * 1000`)
        .useValueForTime(true)
        .titleFormat('Configuration loaded: {{instance}}'),
    );
  for (const each of choices) builder.withVariable(choice(each));
  for (const section of sections) {
    builder.withRow(new dashboard.RowBuilder(section.title));
    for (const panel of section.panels) builder.withPanel(panel);
  }
  const { links = [], annotations, panels = [], ...rest } = builder.build();
  return {
    ...rest,
    links: links.map(inPlainSight),
    annotations: { list: (annotations?.list ?? []).map(inPlainSight) },
    panels: panels.map((panel, i) => ({ ...panel, id: i + 1 })),
  };
}

/** The SDK puts links and annotations into a menu unless told otherwise, and has no word for otherwise. */
function inPlainSight<T extends object>(placed: T): T {
  return Object.fromEntries(Object.entries(placed).filter(([key]) => key !== 'placement')) as T;
}

function choice({ name, label, of }: Choice): Builder<dashboard.VariableModel> {
  return new dashboard.QueryVariableBuilder(name)
    .label(label)
    .datasource(DATASOURCE)
    .query(`label_values(${of}, ${name})`)
    .multi(true)
    .includeAll(true)
    .allValue('.+')
    .current({ selected: true, text: 'All', value: '$__all' })
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.NaturalAsc);
}
