import { Registry, type MetricObject } from 'prom-client';
import { NOTHING_COUNTED } from '../accounting/mergedLedger.ts';
import { auditMetrics } from './auditMetrics.ts';
import { IO_FAMILIES } from './ioFamilies.ts';
import { gatewayMetrics } from './metrics.ts';
import { METRIC_EXAMPLES } from './metricExamples.ts';
import { collectProcessMetrics } from './processMetrics.ts';
import { workerMetrics } from './workerMetrics.ts';
import { stubMetrics } from './stubMetrics.ts';
import type { Family } from './textFormat.ts';

const NO_WORKERS = { workers: () => [], crashes: () => 0 };

/** docs/metrics.md, from the very objects that a scrape is answered from. */
export function metricsReference(): string {
  const processes = new Registry();
  collectProcessMetrics(processes);
  const workers = new Registry();
  workerMetrics(workers, NO_WORKERS);
  const shared = familiesOf(processes);
  const inCommon = [...shared, ...familiesOf(workers)];
  const own = (registry: Registry): Family[] =>
    familiesOf(registry).filter(({ name }) => inCommon.every((family) => family.name !== name));
  const gateway = gatewayMetrics('', {
    sessions: () => 0,
    unauthenticated: () => 0,
    waiting: () => 0,
    turnedAway: () => 0,
    traffic: () => ({ pdus: 0, bytes: 0 }),
    notAfter: () => [],
    ledger: () => NOTHING_COUNTED,
    site: { isReady: () => true, backends: () => [], initiators: () => [] },
    ...NO_WORKERS,
  });
  const audit = new Registry();
  auditMetrics(audit, () => ({ healthy: true, written: 0, lost: 0, damaged: 0 }));
  return [
    INTRODUCTION,
    '## I/O\n',
    IO_INTRODUCTION,
    table(IO_FAMILIES),
    '## Gateway\n',
    table(own(gateway.registry)),
    '## Audit trail\n',
    'Where `audit` is configured.\n',
    table(own(audit)),
    '## Stub\n',
    table(own(stubMetrics('', { tunnels: () => 0, warm: () => 0, ...NO_WORKERS }).registry)),
    '## Workers\n',
    'Of gateway and stub alike. Those with the label `worker` have series where `workers` is more than 1.\n',
    table(familiesOf(workers)),
    '## Process\n',
    'Of gateway and stub alike, as `prom-client` names them.\n',
    table(shared),
    '## Queries\n',
    'Where a panel or an alert is not there already.\n',
    ...METRIC_EXAMPLES.map(({ question, query }) => `${question}\n\n\`\`\`promql\n${query}\n\`\`\`\n`),
  ].join('\n');
}

/** prom-client's metrics know their labels, and its types do not. */
function familiesOf(registry: Registry): Family[] {
  return (registry.getMetricsAsArray() as (MetricObject & { labelNames?: readonly string[] })[]).map(
    ({ name, help, type, labelNames = [] }) => ({
      name,
      help: /[.!?]$/.test(help) ? help : `${help}.`,
      type: String(type) as Family['type'],
      labels: labelNames,
    }),
  );
}

function table(families: readonly Family[]): string {
  const rows = families.map(({ name, type, labels, help }) => {
    const named = labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${named} | ${help.replaceAll('|', '\\|')} |`;
  });
  return ['| Metric | Type | Labels | |', '| --- | --- | --- | --- |', ...rows, ''].join('\n');
}

const INTRODUCTION = `# Metrics

<!-- Generated from src/telemetry; UPDATE_GENERATED=1 npx vitest run test/unit/telemetry/metricsReference.test.ts writes it anew. -->

\`GET /metrics\` on the admin listener, in Prometheus' text format. Units are seconds and bytes; what is known beforehand
starts at 0. No label holds a peer's address or port, or a session's number; \`listener\` is the gateway's own address and port, or \`admin\`.
`;

const IO_INTRODUCTION = `Labels: \`initiator\` is the key of the rule under \`initiators:\` (\`db1\`), \`target\` the target's name, \`lun\` the logical unit's number
(\`report-luns\`: the well-known one), \`class\` is by operation code:

- \`read\`: READ (6, 10, 12, 16, 32).
- \`write\`: what puts data on the medium: WRITE, WRITE AND VERIFY, WRITE SAME, WRITE ATOMIC, ORWRITE, COMPARE AND WRITE.
- \`other\`: everything else. UNMAP too: it moves no data, and hosts send it in bursts that would drown real writes.

The counters outlive sessions. A logical unit that no command ever reached has no series; one that was refused is not there either,
only in \`sangate_denials_total\`.

**Whose time it was.** \`sangate_command_duration_seconds\` is from the command's arrival to its status. It falls into three parts:

- the array's, \`sangate_command_target_duration_seconds\`: from the moment at which the command, or the last Data-Out that was due, has
  been handed on, to the array's R2T or status. What the gateway's own event loop lets wait is in it: see
  \`nodejs_eventloop_lag_seconds\`;
- the initiator's, \`sangate_command_initiator_wait_seconds_total\`: while data is due that an R2T asked for or that was announced with the
  command. While several R2Ts are open, as long as any is;
- the gateway's, \`sangate_command_gateway_seconds_total\`: what it took to walk, judge, patch and write the chunks, shared out evenly
  among the commands in a chunk. Encrypting is in it, decrypting is not. What waits in a full socket shows in
  \`sangate_backpressure_seconds_total\` instead.

**Bounds.** 512 logical units of initiators have series of their own (about 170 each), of one initiator 128, at one target 64. What comes
later is counted with \`lun="other"\`, or with \`initiator="other"\`, \`target="other"\`, \`lun="other"\`, and in
\`sangate_accounting_overflow_total\`. They are kept until the gateway starts anew.
`;
