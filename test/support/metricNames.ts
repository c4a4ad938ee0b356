/** What a gateway's metrics are, with the labels that each has besides those of Prometheus (job, instance). */
export interface KnownMetric {
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  readonly labels: readonly string[];
}

const IO = ['initiator', 'target', 'lun', 'class'];
const PATH = ['initiator', 'target'];

const counter = (...labels: string[]): KnownMetric => ({ type: 'counter', labels });
const gauge = (...labels: string[]): KnownMetric => ({ type: 'gauge', labels });
const histogram = (...labels: string[]): KnownMetric => ({ type: 'histogram', labels });
const summary = (...labels: string[]): KnownMetric => ({ type: 'summary', labels });

const KNOWN_METRICS: Readonly<Record<string, KnownMetric>> = {
  // I/O
  sangate_commands_total: counter(...IO),
  sangate_command_bytes_total: counter(...IO),
  sangate_commands_in_flight: gauge(...IO),
  sangate_command_duration_seconds: histogram(...IO),
  sangate_command_target_duration_seconds: histogram(...IO),
  sangate_command_initiator_wait_seconds_total: counter(...IO),
  sangate_command_gateway_seconds_total: counter(...IO),
  sangate_command_size_bytes: histogram(...IO),
  sangate_sequential_commands_total: counter(...IO),
  sangate_r2t_total: counter(...PATH, 'lun'),
  sangate_r2t_wait_seconds_total: counter(...PATH, 'lun'),
  sangate_command_failures_total: counter(...IO, 'status', 'sense_key'),
  sangate_task_management_total: counter(...PATH, 'function', 'response'),
  sangate_nop_round_trip_seconds: summary(...PATH, 'side'),
  sangate_digest_errors_total: counter(...PATH, 'side'),
  sangate_backpressure_seconds_total: counter(...PATH, 'side'),
  sangate_denials_total: counter(...PATH, 'kind', 'enforced'),
  sangate_accounting_overflow_total: counter(),
  // sessions, rules, arrays
  sangate_acl_decisions_total: counter('initiator', 'decision'),
  sangate_sessions: gauge(),
  sangate_initiator_sessions: gauge('initiator'),
  sangate_initiator_info: gauge('initiator', 'iqn'),
  sangate_backend_up: gauge('backend'),
  sangate_backend_sessions: gauge('backend'),
  sangate_connections_unauthenticated: gauge(),
  sangate_connections_refused_total: counter(),
  sangate_tls_handshakes_total: counter('reason'),
  sangate_logins_total: counter('result', 'reason'),
  sangate_duplicate_initiators_total: counter('result'),
  sangate_pdus_total: counter('direction'),
  sangate_relayed_bytes_total: counter('direction'),
  // the gateway itself
  sangate_build_info: gauge('version'),
  sangate_ready: gauge(),
  sangate_not_after_timestamp_seconds: gauge('what', 'listener'),
  sangate_config_last_reload_successful: gauge(),
  sangate_config_last_reload_success_timestamp_seconds: gauge(),
  sangate_audit_healthy: gauge(),
  sangate_audit_lines_total: counter(),
  sangate_audit_lines_lost_total: counter(),
  // prom-client's own
  process_cpu_user_seconds_total: counter(),
  process_cpu_system_seconds_total: counter(),
  process_start_time_seconds: gauge(),
  process_resident_memory_bytes: gauge(),
  process_open_fds: gauge(),
  process_max_fds: gauge(),
  nodejs_eventloop_lag_p50_seconds: gauge(),
  nodejs_eventloop_lag_p99_seconds: gauge(),
  nodejs_eventloop_lag_max_seconds: gauge(),
  nodejs_heap_size_used_bytes: gauge(),
  nodejs_external_memory_bytes: gauge(),
  nodejs_gc_duration_seconds: histogram('kind'),
  // Prometheus' own, about each scrape
  up: gauge(),
};

/** The metric that a series such as `x_bucket` belongs to; undefined where there is none. */
export function metricOf(series: string): { name: string; metric: KnownMetric } | undefined {
  for (const [name, metric] of Object.entries(KNOWN_METRICS)) {
    if (endings(metric).some((ending) => series === name + ending)) return { name, metric };
  }
  return undefined;
}

/** Of what grows only, and so makes sense only as a rate or an increase. */
export const isCounter = (series: string): boolean =>
  metricOf(series)?.metric.type !== 'gauge' && !/:/.test(series);

const endings = ({ type }: KnownMetric): string[] => {
  if (type === 'histogram') return ['_bucket', '_sum', '_count'];
  if (type === 'summary') return ['_sum', '_count'];
  return [''];
};
