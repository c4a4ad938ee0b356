import * as units from '@grafana/grafana-foundation-sdk/units';
import { frame, UIDS } from './frame.ts';
import { figures, lines, rows, states } from './panels.ts';
import { GATEWAYS, max, min, perMinute, rate, ratio, READS_AND_WRITES, series, sum } from './promql.ts';
import { backpressure } from './troublePanels.ts';
import { LOADED_OR_NOT, READY_OR_NOT, UP_OR_DOWN } from './verdicts.ts';

export const gateway = () =>
  frame({
    uid: UIDS.gateway,
    title: 'sangate: Gateway',
    description:
      'The gateway itself: whether it is up and has room, what latency it adds, and the arrays behind it.',
    sections: [
      { title: 'Now', panels: [up, ready, reload, loadedAt, builds] },
      {
        title: 'What it costs',
        panels: [addedLatency, backpressure(GATEWAYS), lag, processor, memory, collection],
      },
      { title: 'Arrays', panels: [backends, backendSessions] },
      { title: 'What passes', panels: [pdus, relayed, sessions, files, overflow] },
    ],
  });

const up = figures({
  title: 'Gateways that answer',
  description: 'Whether Prometheus could scrape the gateways: the worst of them.',
  unit: units.BoolYesNo,
  width: 6,
  mappings: [UP_OR_DOWN],
  queries: [{ expr: min(series('up', GATEWAYS)), legend: 'Up' }],
});

const ready = figures({
  title: 'Gateways that are ready',
  description:
    'Whether the gateways take sessions: the worst of them. One that is being stopped and waits for its sessions is not ready.',
  unit: units.BoolYesNo,
  width: 6,
  mappings: [READY_OR_NOT],
  queries: [{ expr: min(series('sangate_ready', GATEWAYS)), legend: 'Ready' }],
});

const reload = figures({
  title: 'Last reload',
  description:
    'Whether the last reload of configuration, certificates and lists was taken; if not, what was in force before still is. The log names the mistake.',
  unit: units.BoolYesNo,
  width: 6,
  mappings: [LOADED_OR_NOT],
  queries: [{ expr: min(series('sangate_config_last_reload_successful', GATEWAYS)), legend: 'Reload' }],
});

const loadedAt = figures({
  title: 'In force since',
  description:
    'How long ago the configuration that is in force was read: the gateway for which it is longest.',
  unit: units.DurationSeconds,
  decimals: 0,
  width: 6,
  queries: [
    {
      expr: max(`time() - ${series('sangate_config_last_reload_success_timestamp_seconds', GATEWAYS)}`),
      legend: 'Since',
    },
  ],
});

const builds = rows({
  title: 'Versions',
  description: 'Which version each gateway runs, and for how long it has been up.',
  unit: units.Short,
  width: 24,
  height: 5,
  labels: { instance: 'Instance', version: 'Version' },
  columns: [{ name: 'Up for', unit: units.DurationSeconds, decimals: 0 }],
  queries: [
    {
      expr: max(
        `${series('sangate_build_info', GATEWAYS)} * on (job, instance) group_left () (time() - ${series('process_start_time_seconds', GATEWAYS)})`,
        'instance',
        'version',
      ),
      legend: '',
    },
  ],
});

const addedLatency = lines({
  title: 'Added latency',
  description:
    "The gateway's own work for a read or write, on average. What a command waits in the sockets is not in it: Sessions held back and Event loop lag tell of that.",
  unit: units.Seconds,
  width: 12,
  empty: 'no I/O',
  queries: [
    {
      expr: ratio(
        sum(rate('sangate_command_gateway_seconds_total', GATEWAYS, READS_AND_WRITES), 'instance'),
        sum(rate('sangate_commands_total', GATEWAYS, READS_AND_WRITES), 'instance'),
      ),
      legend: '{{instance}}',
    },
  ],
});

const lag = lines({
  title: 'Event loop lag',
  description:
    'How late the event loop is: every session waits that long now and then. Each process has one core; at its end the lag grows. With workers, theirs is the one that counts.',
  unit: units.Seconds,
  width: 12,
  queries: [
    { expr: series('nodejs_eventloop_lag_p50_seconds', GATEWAYS), legend: '{{instance}} p50' },
    { expr: series('nodejs_eventloop_lag_p99_seconds', GATEWAYS), legend: '{{instance}} p99' },
    { expr: series('nodejs_eventloop_lag_max_seconds', GATEWAYS), legend: '{{instance}} max' },
    {
      expr: series('sangate_worker_eventloop_lag_p99_seconds', GATEWAYS),
      legend: '{{instance}} worker {{worker}} p99',
    },
  ],
});

const processor = lines({
  title: 'CPU',
  description:
    'Cores that the gateway uses. 100 % is one core, which is what relaying can use at most in one process, and each worker has its own; TLS handshakes may use others.',
  unit: units.PercentUnit,
  decimals: 0,
  width: 12,
  queries: [
    { expr: sum(rate('process_cpu_user_seconds_total', GATEWAYS), 'instance'), legend: '{{instance}} user' },
    {
      expr: sum(rate('process_cpu_system_seconds_total', GATEWAYS), 'instance'),
      legend: '{{instance}} system',
    },
    {
      expr: sum(rate('sangate_worker_cpu_seconds_total', GATEWAYS), 'instance', 'worker'),
      legend: '{{instance}} worker {{worker}}',
    },
  ],
});

const memory = lines({
  title: 'Memory',
  description:
    'Resident memory of the process, and the parts of it that JavaScript objects and buffers take. It should level off.',
  unit: units.BytesIEC,
  width: 12,
  queries: [
    { expr: series('process_resident_memory_bytes', GATEWAYS), legend: '{{instance}} resident' },
    {
      expr: series('sangate_worker_resident_memory_bytes', GATEWAYS),
      legend: '{{instance}} worker {{worker}}',
    },
    { expr: series('nodejs_heap_size_used_bytes', GATEWAYS), legend: '{{instance}} heap' },
    { expr: series('nodejs_external_memory_bytes', GATEWAYS), legend: '{{instance}} buffers' },
  ],
});

const collection = lines({
  title: 'Garbage collection',
  description:
    'Part of the time that goes into garbage collection, by kind. During a major one nothing is relayed.',
  unit: units.PercentUnit,
  width: 12,
  queries: [{ expr: sum(rate('nodejs_gc_duration_seconds_sum', GATEWAYS), 'kind'), legend: '{{kind}}' }],
});

const backends = states({
  title: 'Arrays',
  description: 'Whether the gateways could reach a portal of each backend when they last tried.',
  unit: units.BoolYesNo,
  width: 12,
  mappings: [UP_OR_DOWN],
  queries: [{ expr: min(series('sangate_backend_up', GATEWAYS), 'backend'), legend: '{{backend}}' }],
});

const backendSessions = lines({
  title: 'Sessions by array',
  description: 'iSCSI sessions toward each backend.',
  unit: units.Short,
  width: 12,
  height: 6,
  queries: [{ expr: sum(series('sangate_backend_sessions', GATEWAYS), 'backend'), legend: '{{backend}}' }],
});

const pdus = lines({
  title: 'PDUs',
  description: 'iSCSI PDUs relayed a second, by direction.',
  unit: 'cps',
  width: 12,
  queries: [{ expr: sum(rate('sangate_pdus_total', GATEWAYS), 'direction'), legend: '{{direction}}' }],
});

const relayed = lines({
  title: 'Bytes relayed',
  description: 'Bytes of iSCSI relayed a second, headers included, by direction.',
  unit: units.BytesPerSecondSI,
  width: 12,
  queries: [
    { expr: sum(rate('sangate_relayed_bytes_total', GATEWAYS), 'direction'), legend: '{{direction}}' },
  ],
});

const sessions = lines({
  title: 'Sessions',
  description: 'iSCSI sessions in full feature phase of each gateway.',
  unit: units.Short,
  width: 8,
  queries: [{ expr: sum(series('sangate_sessions', GATEWAYS), 'instance'), legend: '{{instance}}' }],
});

const files = lines({
  title: 'Open files',
  description: 'Part of the files and sockets that the process may have open. A session takes two.',
  unit: units.PercentUnit,
  width: 8,
  max: 1,
  queries: [
    {
      expr: ratio(series('process_open_fds', GATEWAYS), series('process_max_fds', GATEWAYS)),
      legend: '{{instance}}',
    },
  ],
});

const overflow = lines({
  title: 'Commands not accounted for',
  description:
    'Commands, a minute, that were counted under "other" because there are too many initiators, targets and LUNs to keep apart, and commands that were counted but not timed because too many are under way in one session.',
  unit: 'cpm',
  width: 8,
  queries: [
    { expr: perMinute('sangate_accounting_overflow_total', GATEWAYS, []), legend: 'under "other"' },
    { expr: perMinute('sangate_commands_untimed_total', GATEWAYS, []), legend: 'not timed' },
  ],
});
