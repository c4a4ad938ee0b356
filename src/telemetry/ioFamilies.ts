import { IO_CLASSES, type IoClass } from '../accounting/ioClass.ts';
import type {
  AccountSnapshot,
  ClassSnapshot,
  HistogramSnapshot,
  LedgerSnapshot,
  NexusSnapshot,
  SideSnapshot,
} from '../accounting/snapshot.ts';
import type { Side } from '../iscsi/side.ts';
import { histogramSeries, labelPairs, series, type Family } from './textFormat.ts';

/** What has series of its own, with the labels that say so: one account, one initiator at one target, or the whole ledger. */
export interface Labelled<T> {
  readonly of: T;
  /** Label pairs. */
  readonly labels: string;
}

/** An account's labels with each class. */
export interface LabelledAccount extends Labelled<AccountSnapshot> {
  readonly classes: readonly (Labelled<ClassSnapshot> & { readonly name: IoClass })[];
}

/** A metric that is written from a ledger: all series of one account, or of one nexus, or all there are. */
export interface IoFamily extends Family {
  readonly account?: (account: LabelledAccount) => string;
  readonly nexus?: (nexus: Labelled<NexusSnapshot>) => string;
  readonly ledger?: (ledger: LedgerSnapshot) => string;
}

const PATH = ['initiator', 'target'];
const LUN = [...PATH, 'lun'];
const CLASS = [...LUN, 'class'];
const DATA: readonly IoClass[] = ['read', 'write'];
const SIDES: readonly Side[] = ['initiator', 'target'];

/** Everything that the relay's accounting has to tell. */
export const IO_FAMILIES: readonly IoFamily[] = [
  counter('sangate_commands_total', 'SCSI commands that went on to the target.', (io) => io.commands),
  counter(
    'sangate_command_bytes_total',
    'Bytes that SCSI commands have really moved, in either direction; told when the command ends.',
    (io) => io.bytes,
  ),
  perClass(
    'gauge',
    'sangate_commands_in_flight',
    'SCSI commands that wait for their status.',
    (io) => io.inFlight,
  ),
  histogram(
    'sangate_command_duration_seconds',
    "Time from a SCSI command's arrival at the gateway to its status.",
    (io) => io.duration,
  ),
  histogram(
    'sangate_command_target_duration_seconds',
    "The array's share of it: time in which the gateway waited for the array.",
    (io) => io.targetDuration,
  ),
  counter(
    'sangate_command_initiator_wait_seconds_total',
    "The initiator's share of it: time in which data that the array had asked for, or that was announced with the command, was awaited.",
    (io) => io.initiatorWaitSeconds,
  ),
  counter(
    'sangate_command_gateway_seconds_total',
    "The gateway's own share: time for processing the chunks in which commands came and went.",
    (io) => io.gatewaySeconds,
  ),
  histogram('sangate_command_size_bytes', 'Bytes that reads and writes ask for.', (io) => io.size, DATA),
  counter(
    'sangate_sequential_commands_total',
    'Reads and writes that begin where one of the last four streams of the same class on this LUN ended.',
    (io) => io.sequential,
    DATA,
  ),
  counter(
    'sangate_commands_aborted_total',
    "SCSI commands that ended without a status: by task management, a Reject or the session's end.",
    (io) => io.aborted,
  ),
  counter(
    'sangate_commands_untimed_total',
    'SCSI commands that were counted and not timed, because more than 4096 were under way in one session.',
    (io) => io.untimed,
  ),
  {
    name: 'sangate_command_failures_total',
    type: 'counter',
    help: 'SCSI commands whose status is neither GOOD nor CONDITION MET.',
    labels: [...CLASS, 'status', 'sense_key'],
    account: ({ classes }) =>
      text(classes, ({ of, labels }) =>
        text(of.failures, ({ status, senseKey, count }) =>
          series(
            'sangate_command_failures_total',
            `${labels},${labelPairs({ status, sense_key: senseKey })}`,
            count,
          ),
        ),
      ),
  },
  perLun(
    'sangate_r2t_total',
    'Ready To Transfer PDUs: the array asked the initiator for data.',
    (io) => io.r2ts,
  ),
  perLun(
    'sangate_r2t_wait_seconds_total',
    'Time in which data that an R2T had asked for was awaited from the initiator.',
    (io) => io.r2tWaitSeconds,
  ),
  {
    name: 'sangate_task_management_total',
    type: 'counter',
    help: 'Task management requests that went on to the target, by what it answered.',
    labels: [...PATH, 'function', 'response'],
    nexus: ({ of, labels }) =>
      text(of.taskManagement, ({ function: name, response, count }) =>
        series(
          'sangate_task_management_total',
          `${labels},${labelPairs({ function: name, response })}`,
          count,
        ),
      ),
  },
  {
    name: 'sangate_nop_round_trip_seconds',
    type: 'summary',
    help: 'Time from passing on a NOP to the answer, by the side that answers: network and peer, as the gateway sees them.',
    labels: [...PATH, 'side'],
    nexus: (nexus) =>
      perSide(
        nexus,
        ({ pingSeconds, pings }, labels) =>
          series('sangate_nop_round_trip_seconds_sum', labels, pingSeconds) +
          series('sangate_nop_round_trip_seconds_count', labels, pings),
      ),
  },
  {
    name: 'sangate_digest_errors_total',
    type: 'counter',
    help: "PDUs whose CRC32C was wrong, by whose they were; the initiator's also where the target found it.",
    labels: [...PATH, 'side'],
    nexus: (nexus) =>
      perSide(nexus, ({ digestErrors }, labels) =>
        series('sangate_digest_errors_total', labels, digestErrors),
      ),
  },
  {
    name: 'sangate_backpressure_seconds_total',
    type: 'counter',
    help: 'Time in which this side was not read because the other one did not take more, summed over sessions.',
    labels: [...PATH, 'side'],
    nexus: (nexus) =>
      perSide(nexus, ({ backpressureSeconds }, labels) =>
        series('sangate_backpressure_seconds_total', labels, backpressureSeconds),
      ),
  },
  {
    name: 'sangate_denials_total',
    type: 'counter',
    help: 'Requests in a session that policy denies; enforced="false": in shadow, where they go on.',
    labels: [...PATH, 'kind', 'enforced'],
    nexus: ({ of, labels }) =>
      text(of.denials, ({ kind, enforced, count }) =>
        series(
          'sangate_denials_total',
          `${labels},${labelPairs({ kind, enforced: String(enforced) })}`,
          count,
        ),
      ),
  },
  {
    name: 'sangate_accounting_overflow_total',
    type: 'counter',
    help: 'SCSI commands that were counted as "other" because there was no place for more initiators, targets and LUNs.',
    labels: [],
    ledger: ({ overflow }) => `sangate_accounting_overflow_total ${overflow}\n`,
  },
];

function perClass(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  value: (io: ClassSnapshot) => number,
  only: readonly IoClass[] = IO_CLASSES,
): IoFamily {
  return {
    name,
    type,
    help,
    labels: CLASS,
    account: ({ classes }) =>
      text(classes, ({ of, labels, name: ioClass }) =>
        only.includes(ioClass) ? series(name, labels, value(of)) : '',
      ),
  };
}

function counter(
  name: string,
  help: string,
  value: (io: ClassSnapshot) => number,
  only?: readonly IoClass[],
): IoFamily {
  return perClass('counter', name, help, value, only);
}

function histogram(
  name: string,
  help: string,
  value: (io: ClassSnapshot) => HistogramSnapshot,
  only: readonly IoClass[] = IO_CLASSES,
): IoFamily {
  return {
    name,
    type: 'histogram',
    help,
    labels: CLASS,
    account: ({ classes }) =>
      text(classes, ({ of, labels, name: ioClass }) =>
        only.includes(ioClass) ? histogramSeries(name, labels, value(of)) : '',
      ),
  };
}

function perLun(name: string, help: string, value: (io: ClassSnapshot) => number): IoFamily {
  return {
    name,
    type: 'counter',
    help,
    labels: LUN,
    account: ({ classes, labels }) =>
      series(
        name,
        labels,
        classes.reduce((sum, { of }) => sum + value(of), 0),
      ),
  };
}

function perSide(
  { of, labels }: Labelled<NexusSnapshot>,
  lines: (side: SideSnapshot, labels: string) => string,
): string {
  return text(SIDES, (side) => lines(of.sides[side], `${labels},side="${side}"`));
}

function text<T>(items: readonly T[], lines: (item: T) => string): string {
  let all = '';
  for (const item of items) all += lines(item);
  return all;
}
