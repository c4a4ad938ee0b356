import { Registry } from 'prom-client';
import { auditMetrics } from '../../src/telemetry/auditMetrics.ts';
import { IO_FAMILIES } from '../../src/telemetry/ioFamilies.ts';
import { gatewayMetrics, type Gauges } from '../../src/telemetry/metrics.ts';

/** A metric of a gateway, with the labels that it has besides those of Prometheus (job, instance). */
interface KnownMetric {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
}

/** Of Prometheus itself, about each scrape. */
const OF_PROMETHEUS: KnownMetric = { name: 'up', type: 'gauge', labels: [] };

const KNOWN: readonly KnownMetric[] = [...IO_FAMILIES, ...registered(), OF_PROMETHEUS];

/** The metric that a series such as `x_bucket` belongs to; undefined where there is none. */
export function metricOf(series: string): KnownMetric | undefined {
  return KNOWN.find(({ name, type }) => endings(type).some((ending) => series === name + ending));
}

/** Of what grows only, and so makes sense only as a rate or an increase. */
export const isCounter = (series: string): boolean =>
  !series.includes(':') && metricOf(series)?.type !== 'gauge';

function endings(type: string): string[] {
  if (type === 'histogram') return ['_bucket', '_sum', '_count'];
  return type === 'summary' ? ['_sum', '_count'] : [''];
}

/** What the gateway registers; nothing of it is read, so that there is no need for a gateway. */
function registered(): KnownMetric[] {
  const { registry } = gatewayMetrics('0.0.0', {} as Gauges);
  const audit = new Registry();
  auditMetrics(audit, () => ({ healthy: true, written: 0, lost: 0, damaged: 0 }));
  return [...registry.getMetricsAsArray(), ...audit.getMetricsAsArray()].map((metric) => {
    const { name, type, labelNames } = metric as unknown as {
      name: string;
      type?: string;
      labelNames: string[];
    };
    return { name, type: (type ?? metric.constructor.name).toLowerCase(), labels: labelNames };
  });
}
