import * as units from '@grafana/grafana-foundation-sdk/units';
import { frame, UIDS } from './frame.ts';
import * as io from './ioPanels.ts';
import { lines, rows } from './panels.ts';
import { GATEWAYS, max, perMinute, series, sum, type Scope } from './promql.ts';
import * as trouble from './troublePanels.ts';

const SCOPE: Scope = [...GATEWAYS, 'initiator=~"$initiator"'];

export const initiator = () =>
  frame({
    uid: UIDS.initiator,
    title: 'sangate: Initiator',
    description:
      'One initiator, or several: what it reads and writes, how fast it is served, and what it may not do.',
    choices: [{ name: 'initiator', label: 'Initiator', of: series('sangate_initiator_sessions', GATEWAYS) }],
    sections: [
      {
        title: 'Reads and writes',
        panels: [
          io.readsAndWritesByCommands(SCOPE),
          io.readsAndWritesByBytes(SCOPE),
          io.shareOfReads(SCOPE),
          who,
        ],
      },
      {
        title: 'How much',
        panels: [
          io.operations(SCOPE),
          io.throughput(SCOPE),
          io.operationsBy(SCOPE, 'target'),
          io.throughputBy(SCOPE, 'target'),
          io.queueDepth(SCOPE, 'target'),
          io.meanSize(SCOPE),
        ],
      },
      {
        title: 'How fast',
        panels: [
          io.latency(SCOPE),
          io.whereTheTimeGoes(SCOPE),
          trouble.readyToTransfer(SCOPE),
          trouble.nopRoundTrip(SCOPE),
          trouble.backpressure(SCOPE),
          sessions,
        ],
      },
      {
        title: 'What goes wrong',
        panels: [
          trouble.denials(SCOPE),
          decisions,
          trouble.failures(SCOPE),
          trouble.taskManagement(SCOPE),
          trouble.digestErrors(SCOPE),
        ],
      },
    ],
  });

const INFO = series('sangate_initiator_info', SCOPE);
const SESSIONS = series('sangate_initiator_sessions', SCOPE);

const who = rows({
  title: 'Names and sessions',
  description:
    'The name (IQN) of each initiator that the configuration knows, and how many sessions it has now.',
  unit: units.Short,
  width: 24,
  height: 6,
  labels: { initiator: 'Initiator', iqn: 'Name' },
  columns: [{ name: 'Sessions', unit: units.Short }],
  queries: [
    {
      // Who never had a session has no series of sessions.
      expr: `${sum(`${INFO} * on (job, instance, initiator) group_left () ${SESSIONS}`, 'initiator', 'iqn')} or 0 * ${max(INFO, 'initiator', 'iqn')}`,
      legend: '',
    },
  ],
});

const sessions = lines({
  title: 'Sessions',
  description: 'iSCSI sessions of each initiator.',
  unit: units.Short,
  width: 12,
  queries: [{ expr: sum(series('sangate_initiator_sessions', SCOPE), 'initiator'), legend: '{{initiator}}' }],
});

const decisions = lines({
  title: 'Access to targets',
  description:
    'Logins to a target that the rules allowed and denied, a minute. A denied target does not exist for the initiator.',
  unit: 'cpm',
  width: 12,
  queries: [
    {
      expr: perMinute('sangate_acl_decisions_total', SCOPE, ['initiator', 'decision']),
      legend: '{{initiator}}: {{decision}}',
    },
  ],
});
