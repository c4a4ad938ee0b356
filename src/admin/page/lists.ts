import { bytes, count, duration, percent, span, throughput } from '../../telemetry/figures.ts';
import { readsAndWrites, throughputOf } from '../../status/flow.ts';
import type { Look } from '../../status/history.ts';
import type { FlowRow } from '../../status/rates.ts';
import type { Refusal } from '../../status/refusals.ts';
import { html, type Html } from './html.ts';
import { name, pill, table, type Column } from './table.ts';

const MAX_ROWS = 100;

/** What each initiator does with each logical unit, the busiest first. */
export function flows({ rates }: Look): Html {
  return table({
    columns: FLOW_COLUMNS,
    rows: (rates?.luns ?? []).toSorted((a, b) => readsAndWrites(b.flow) - readsAndWrites(a.flow)),
    max: MAX_ROWS,
    none: rates === undefined ? 'Measuring.' : 'No command has come yet.',
  });
}

const FLOW_COLUMNS: readonly Column<FlowRow>[] = [
  { title: 'Initiator', cell: ({ initiator }) => name(initiator) },
  { title: 'Target', cell: ({ target }) => name(target) },
  { title: 'LUN', cell: ({ lun }) => lun, isFigure: true },
  { title: 'Operations', cell: ({ flow }) => `${count(readsAndWrites(flow))}/s`, isFigure: true },
  { title: 'Throughput', cell: ({ flow }) => throughput(throughputOf(flow)), isFigure: true },
  { title: 'Reads', cell: ({ flow }) => percent(flow.readShare), isFigure: true },
  { title: 'Latency', cell: ({ flow }) => duration(flow.latency), isFigure: true },
  { title: 'Array’s share', cell: ({ flow }) => duration(flow.targetLatency), isFigure: true },
  { title: '99 % below', cell: ({ flow }) => duration(flow.p99), isFigure: true },
  { title: 'In flight', cell: ({ flow }) => flow.inFlight, isFigure: true },
];

export function sessions({ status, rates }: Look): Html {
  const now = Date.parse(status.time);
  return table({
    columns: [
      { title: 'ID', cell: ({ id }) => id, isFigure: true },
      {
        title: 'Who',
        cell: ({ initiator, address, certificate }) =>
          html`${name(initiator)}<small>from ${address}, ${name(certificate)}</small>`,
      },
      {
        title: 'On what',
        cell: ({ target, backend, portal }) =>
          html`${name(target)}<small>${name(backend)}, ${portal}</small>`,
      },
      { title: 'Since', cell: ({ since }) => span((now - Date.parse(since)) / 1000), isFigure: true },
      {
        title: 'Commands',
        cell: ({ id, commands }) => {
          const rate = rates?.sessions.get(id)?.commands;
          return html`${count(commands)}<small>${rate === undefined ? '' : `${count(rate)}/s`}</small>`;
        },
        isFigure: true,
      },
      { title: 'To array', cell: ({ fromInitiator }) => bytes(fromInitiator.bytes), isFigure: true },
      { title: 'From array', cell: ({ fromTarget }) => bytes(fromTarget.bytes), isFigure: true },
      { title: 'Denied', cell: ({ denials }) => denials, isFigure: true },
    ],
    rows: status.sessions,
    max: MAX_ROWS,
    none: 'Nobody is logged in.',
  });
}

/** Who was refused what, and why; newest first. */
export function refusals({ status }: Look): Html {
  const now = Date.parse(status.time);
  return table<Refusal>({
    columns: [
      {
        title: 'When',
        cell: ({ time, count }) =>
          html`<time datetime="${time}">${span((now - Date.parse(time)) / 1000)} ago</time
            >${count > 1 ? html`<small>${count} times</small>` : undefined}`,
      },
      {
        title: 'Who',
        cell: ({ address, certificate, initiator }) =>
          html`${name(initiator ?? certificate ?? address)}<small
              >from
              ${address}${certificate === undefined || initiator === undefined ? undefined : html`, ${name(certificate)}`}</small
            >`,
      },
      {
        title: 'What',
        cell: ({ stage, target }) =>
          html`${STAGES[stage]}${target === undefined ? undefined : html`<small>${name(target)}</small>`}`,
      },
      {
        title: 'Why',
        cell: ({ reason, detail, rule, enforced }) =>
          html`<code>${reason}</code>
            ${enforced ? undefined : pill('warning', 'let through: shadow')}<small>${name(detail)}</small>${rule === undefined ? undefined : html`<small>by ${name(rule)}</small>`}`,
      },
    ],
    rows: status.refusals,
    max: MAX_ROWS,
    none: 'Nobody was refused since the gateway began.',
  });
}

const STAGES: Readonly<Record<Refusal['stage'], string>> = {
  connection: 'connection',
  tls: 'tunnel',
  login: 'login',
  request: 'request in a session',
};
