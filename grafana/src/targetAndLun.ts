import * as units from '@grafana/grafana-foundation-sdk/units';
import { frame, UIDS } from './frame.ts';
import * as io from './ioPanels.ts';
import { lines } from './panels.ts';
import { GATEWAYS, rate, ratio, READS_AND_WRITES, series, sum, type Scope } from './promql.ts';
import * as trouble from './troublePanels.ts';

/** Some series are by target alone. */
const TARGET: Scope = [...GATEWAYS, 'target=~"$target"'];
const SCOPE: Scope = [...TARGET, 'lun=~"$lun"'];

export const targetAndLun = () =>
  frame({
    uid: UIDS.targetAndLun,
    title: 'sangate: Target and LUN',
    description:
      'A target and its logical units: latency as a heat map, sizes, order, depth, and whether the array is slow or who asks.',
    choices: [
      { name: 'target', label: 'Target', of: series('sangate_commands_total', GATEWAYS) },
      { name: 'lun', label: 'LUN', of: series('sangate_commands_total', TARGET) },
    ],
    sections: [
      {
        title: 'Reads and writes',
        panels: [io.readsAndWritesByCommands(SCOPE), io.readsAndWritesByBytes(SCOPE)],
      },
      {
        title: 'How fast',
        panels: [
          io.latencyHeatMap(SCOPE),
          io.readLatency(SCOPE),
          io.writeLatency(SCOPE),
          io.whereTheTimeGoes(SCOPE),
          io.arrayLatency(SCOPE),
        ],
      },
      {
        title: 'What kind of I/O',
        panels: [
          io.sizeHeatMap(SCOPE),
          io.meanSize(SCOPE),
          sequential,
          io.queueDepth(SCOPE, 'initiator'),
          io.inFlight(SCOPE, 'lun'),
          trouble.readyToTransfer(SCOPE),
        ],
      },
      {
        title: 'How much',
        panels: [
          io.operations(SCOPE),
          io.throughput(SCOPE),
          io.operationsBy(SCOPE, 'lun'),
          io.throughputBy(SCOPE, 'lun'),
          io.operationsBy(SCOPE, 'initiator'),
          io.throughputBy(SCOPE, 'initiator'),
        ],
      },
      {
        title: 'What goes wrong',
        panels: [
          trouble.failures(SCOPE),
          trouble.taskManagement(TARGET),
          trouble.denials(TARGET),
          trouble.digestErrors(TARGET),
          trouble.nopRoundTrip(TARGET),
          trouble.backpressure(TARGET),
        ],
      },
    ],
  });

const sequentialShare = (which: string): string =>
  ratio(
    sum(rate('sangate_sequential_commands_total', SCOPE, which)),
    sum(rate('sangate_commands_total', SCOPE, which)),
  );

const sequential = lines({
  title: 'Sequential share',
  description:
    'Commands that begin where an earlier one of the same direction on the same LUN ended, as a part of all. The rest is random, which is what disks are slow at. A gap is a time without such commands.',
  unit: units.PercentUnit,
  decimals: 0,
  max: 1,
  width: 12,
  empty: 'no I/O',
  queries: [
    { expr: sequentialShare('class="read"'), legend: 'Reads' },
    { expr: sequentialShare('class="write"'), legend: 'Writes' },
    { expr: sequentialShare(READS_AND_WRITES), legend: 'Both' },
  ],
});
