import { Counter, Gauge, Registry } from 'prom-client';
import { buildInfo, collectProcessMetrics } from './processMetrics.ts';
import { workerMetrics, type WorkerFigures } from './workerMetrics.ts';

export interface StubMetrics {
  readonly registry: Registry;
  /** One connection of an initiator has come to its end or failed to get a tunnel. */
  readonly count: (result: 'tunnel' | 'unreachable') => void;
}

/** What metrics read when they are scraped. */
export interface StubGauges {
  /** That are open. */
  readonly tunnels: () => number;
  /** None in one process. */
  readonly workers: () => readonly WorkerFigures[];
  readonly crashes: () => number;
}

export function stubMetrics(version: string, gauges: StubGauges): StubMetrics {
  const registry = new Registry();
  collectProcessMetrics(registry);
  registry.registerMetric(buildInfo(version));
  registry.registerMetric(
    new Gauge({
      name: 'sangate_stub_tunnels',
      help: 'Tunnels to a gateway that are open.',
      registers: [],
      collect() {
        this.set(gauges.tunnels());
      },
    }),
  );
  const connections = new Counter({
    name: 'sangate_stub_connections_total',
    help: 'Connections of initiators by result: a tunnel was opened, or no gateway could be reached.',
    labelNames: ['result'],
    registers: [registry],
  });
  workerMetrics(registry, gauges);
  connections.labels('tunnel').inc(0);
  connections.labels('unreachable').inc(0);
  return { registry, count: (result) => connections.labels(result).inc() };
}
