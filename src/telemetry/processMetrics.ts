import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';

/** Process and event loop; promtool finds fault with Node's own `_total` gauges, so those stay out. */
export function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const name of [
    'nodejs_active_handles_total',
    'nodejs_active_requests_total',
    'nodejs_active_resources_total',
  ]) {
    registry.removeSingleMetric(name);
  }
}

export function buildInfo(version: string): Gauge<'version'> {
  const gauge = new Gauge({
    name: 'sangate_build_info',
    help: 'Always 1; the label tells the version.',
    labelNames: ['version'],
    registers: [],
  });
  gauge.labels(version).set(1);
  return gauge;
}
