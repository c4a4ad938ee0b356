import { Counter, Gauge, Registry } from 'prom-client';
import { buildInfo, collectProcessMetrics } from './processMetrics.ts';
import { workerMetrics, type WorkerFigures } from './workerMetrics.ts';

export interface StubMetrics {
  readonly registry: Registry;
  /** One connection of an initiator has got a tunnel or failed to get one. */
  readonly count: (result: 'tunnel' | 'unreachable') => void;
  /** A tunnel that was dialled ahead was given to an initiator, or turned out to be closed. */
  readonly countWarm: (result: 'given' | 'closed') => void;
}

/** What metrics read when they are scraped. */
export interface StubGauges {
  /** That are open. */
  readonly tunnels: () => number;
  /** Tunnels without an initiator. */
  readonly warm: () => number;
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
      help: 'Tunnels to a gateway that carry an initiator.',
      registers: [],
      collect() {
        this.set(gauges.tunnels());
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: 'sangate_stub_warm_tunnels',
      help: 'Tunnels to a gateway that were dialled ahead and have no initiator yet.',
      registers: [],
      collect() {
        this.set(gauges.warm());
      },
    }),
  );
  const warmth = new Counter({
    name: 'sangate_stub_warm_tunnels_used_total',
    help: 'Tunnels that were dialled ahead and given to an initiator; result is "closed" where the gateway had closed it unnoticed, and another one was dialled.',
    labelNames: ['result'],
    registers: [registry],
  });
  const connections = new Counter({
    name: 'sangate_stub_connections_total',
    help: 'Connections of initiators by result: a tunnel was opened, or no gateway could be reached.',
    labelNames: ['result'],
    registers: [registry],
  });
  workerMetrics(registry, gauges);
  connections.labels('tunnel').inc(0);
  connections.labels('unreachable').inc(0);
  warmth.labels('given').inc(0);
  warmth.labels('closed').inc(0);
  return {
    registry,
    count: (result) => connections.labels(result).inc(),
    countWarm: (result) => warmth.labels(result).inc(),
  };
}
