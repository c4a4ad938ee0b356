import * as units from '@grafana/grafana-foundation-sdk/units';
import { frame, UIDS } from './frame.ts';
import * as io from './ioPanels.ts';
import { bars, figures, lines, rows, type Link } from './panels.ts';
import { GATEWAYS, inShownTime, perMinute, rate, ratio, READS_AND_WRITES, series, sum } from './promql.ts';
import { denials } from './troublePanels.ts';
import { endsFirst } from './validityPanels.ts';

export const overview = () =>
  frame({
    uid: UIDS.overview,
    title: 'sangate: Overview',
    description:
      'What share of the I/O is reads, how much of it there is, how fast, who does it, and who was refused.',
    sections: [
      {
        title: 'Reads and writes',
        panels: [
          io.readsAndWritesByCommands(GATEWAYS),
          io.readsAndWritesByBytes(GATEWAYS),
          io.shareOfReads(GATEWAYS),
          readsAndWritesByTarget,
        ],
      },
      {
        title: 'How much, and how fast',
        panels: [
          io.operations(GATEWAYS),
          io.throughput(GATEWAYS),
          io.latency(GATEWAYS),
          io.whereTheTimeGoes(GATEWAYS),
        ],
      },
      { title: 'Now', panels: [sessionsNow, inFlightNow, backendsNow, endsFirst(6)] },
      {
        title: 'Who',
        panels: [busiest('initiator', UIDS.initiator), busiest('target', UIDS.targetAndLun), sessions],
      },
      { title: 'Who was refused', panels: [loginsDenied, denials(GATEWAYS)] },
    ],
  });

const byTarget = (counter: string, which: string): string =>
  sum(inShownTime(counter, GATEWAYS, which), 'target');
const readShareByTarget = (counter: string): string =>
  ratio(byTarget(counter, 'class="read"'), byTarget(counter, READS_AND_WRITES));

const readsAndWritesByTarget = rows({
  title: 'Reads and writes in the shown time, by target',
  description:
    'All of the time that the dashboard shows, taken together: reads in % of reads and writes, by commands and by bytes, and how many of both there were. Targets without I/O in that time have no row.',
  unit: units.PercentUnit,
  width: 24,
  empty: 'no I/O in the shown time',
  labels: { target: 'Target' },
  columns: [
    { name: 'Reads, of commands', unit: units.PercentUnit, decimals: 1 },
    { name: 'Reads, of bytes', unit: units.PercentUnit, decimals: 1 },
    { name: 'Commands', unit: units.Short },
    { name: 'Bytes', unit: units.BytesIEC },
  ],
  queries: [
    { expr: readShareByTarget('sangate_commands_total'), legend: '' },
    { expr: readShareByTarget('sangate_command_bytes_total'), legend: '' },
    { expr: `${byTarget('sangate_commands_total', READS_AND_WRITES)} > 0`, legend: '' },
    { expr: `${byTarget('sangate_command_bytes_total', READS_AND_WRITES)} > 0`, legend: '' },
  ],
});

const sessionsNow = figures({
  title: 'Sessions',
  description: 'iSCSI sessions in full feature phase, over all gateways.',
  unit: units.Short,
  width: 6,
  queries: [{ expr: sum(series('sangate_sessions', GATEWAYS)), legend: 'Sessions' }],
});

const inFlightNow = figures({
  title: 'Commands in flight',
  description: 'Commands that have no status yet.',
  unit: units.Short,
  width: 6,
  empty: '0',
  queries: [{ expr: sum(series('sangate_commands_in_flight', GATEWAYS)), legend: 'In flight' }],
});

const backendsNow = figures({
  title: 'Arrays that answer',
  description:
    'The part of the backends that a gateway could reach when it last tried. The Gateway dashboard has each of them.',
  unit: units.PercentUnit,
  decimals: 0,
  max: 1,
  width: 6,
  thresholds: [
    { value: null, color: 'red' },
    { value: 1, color: 'green' },
  ],
  queries: [{ expr: `avg(${series('sangate_backend_up', GATEWAYS)})`, legend: 'Up' }],
});

function busiest(of: 'initiator' | 'target', uid: string) {
  const link: Link = {
    title: `This ${of}`,
    url: `/d/${uid}?var-datasource=\${datasource}&\${job:queryparam}&\${instance:queryparam}&var-${of}=\${__field.labels.${of}}&\${__url_time_range}`,
  };
  return bars({
    title: `Busiest ${of}s`,
    description: `The ten ${of}s with the most reads and writes a second, now. A click leads to the dashboard of one.`,
    unit: units.IOOpsPerSecond,
    width: 12,
    empty: 'no I/O',
    link,
    queries: [
      {
        expr: `topk(10, ${sum(rate('sangate_commands_total', GATEWAYS, READS_AND_WRITES), of)} > 0)`,
        legend: `{{${of}}}`,
      },
    ],
  });
}

const sessions = lines({
  title: 'Sessions by initiator',
  description:
    'iSCSI sessions of each initiator. An initiator that comes and goes has trouble at one of its ends: see the log.',
  unit: units.Short,
  width: 24,
  queries: [
    { expr: sum(series('sangate_initiator_sessions', GATEWAYS), 'initiator'), legend: '{{initiator}}' },
  ],
});

const loginsDenied = lines({
  title: 'Logins denied',
  description:
    "Logins that failed, a minute, by reason. README's table says what each reason means and what to do.",
  unit: 'cpm',
  width: 12,
  empty: 'none',
  queries: [
    {
      expr: `${perMinute('sangate_logins_total', GATEWAYS, ['reason'], 'result="denied"')} > 0`,
      legend: '{{reason}}',
    },
  ],
});
