import * as units from '@grafana/grafana-foundation-sdk/units';
import { lines } from './panels.ts';
import { perMinute, rate, ratio, sum, type Scope } from './promql.ts';

// What goes wrong inside sessions, for the initiators and targets that a dashboard is about (`scope`).

const NONE = 'none';

export const denials = (scope: Scope, width = 12) =>
  lines({
    title: 'Denials in sessions',
    description:
      'Commands and text that a rule refused, a minute. enforced=false: a rule in shadow, which only says what it would refuse. The log and the audit trail name initiator, LUN, command and rule.',
    unit: 'cpm',
    width,
    empty: NONE,
    queries: [
      {
        expr: `${perMinute('sangate_denials_total', scope, ['kind', 'enforced'])} > 0`,
        legend: '{{kind}}, enforced={{enforced}}',
      },
    ],
  });

export const failures = (scope: Scope) =>
  lines({
    title: 'Commands that failed',
    description:
      'Commands with a status other than GOOD and CONDITION MET, a minute, by status and sense key, and those that ended without one (aborted, rejected, or their session ended). Unit attentions after a reset are normal; medium and hardware errors are not.',
    unit: 'cpm',
    width: 12,
    empty: NONE,
    queries: [
      {
        expr: `${perMinute('sangate_command_failures_total', scope, ['status', 'sense_key'])} > 0`,
        legend: '{{status}} {{sense_key}}',
      },
      { expr: perMinute('sangate_commands_aborted_total', scope, []), legend: 'ended without a status' },
    ],
  });

export const taskManagement = (scope: Scope) =>
  lines({
    title: 'Task management',
    description:
      'Aborts and resets that initiators sent, a minute, and what the array said. An initiator aborts a command that took longer than it is willing to wait.',
    unit: 'cpm',
    width: 12,
    empty: NONE,
    queries: [
      {
        expr: `${perMinute('sangate_task_management_total', scope, ['function', 'response'])} > 0`,
        legend: '{{function}}: {{response}}',
      },
    ],
  });

export const digestErrors = (scope: Scope) =>
  lines({
    title: 'Digest errors',
    description:
      'PDUs with a wrong digest, a minute, by the side that they came from. Anything but 0 is a network that damages data.',
    unit: 'cpm',
    width: 12,
    empty: NONE,
    queries: [
      { expr: perMinute('sangate_digest_errors_total', scope, ['side']), legend: 'from the {{side}}' },
    ],
  });

export const nopRoundTrip = (scope: Scope) =>
  lines({
    title: 'NOP round trip',
    description:
      'Mean time from a NOP that asks for an answer to that answer, by the side that answered: the network and that side, without any I/O. Empty while nobody sends any.',
    unit: units.Seconds,
    width: 12,
    empty: 'no NOPs',
    queries: [
      {
        expr: ratio(
          sum(rate('sangate_nop_round_trip_seconds_sum', scope), 'side'),
          sum(rate('sangate_nop_round_trip_seconds_count', scope), 'side'),
        ),
        legend: 'to the {{side}}',
      },
    ],
  });

export const backpressure = (scope: Scope) =>
  lines({
    title: 'Sessions held back',
    description:
      'How many sessions, on average, were not read on one side because the other side did not take more: 1 is one session all of the time. Held back at the target: the initiator, or its network, takes data too slowly; at the initiator: the array does.',
    unit: units.Short,
    width: 12,
    queries: [
      {
        expr: sum(rate('sangate_backpressure_seconds_total', scope), 'side'),
        legend: 'not reading the {{side}}',
      },
    ],
  });

export const readyToTransfer = (scope: Scope) =>
  lines({
    title: 'Waits for written data',
    description:
      'Mean time from an R2T (the array asks for data of a write) until the initiator has sent all of it. About one round trip to the initiator, and more if it is slow. Empty while no R2T is sent.',
    unit: units.Seconds,
    width: 12,
    empty: 'no R2T',
    queries: [
      {
        expr: ratio(
          sum(rate('sangate_r2t_wait_seconds_total', scope), 'initiator'),
          sum(rate('sangate_r2t_total', scope), 'initiator'),
        ),
        legend: '{{initiator}}',
      },
    ],
  });
