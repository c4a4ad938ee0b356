import { Counter, Gauge, Registry } from 'prom-client';
import { buildInfo, collectProcessMetrics } from './processMetrics.ts';
import type { WorkerFigures } from './workerFigures.ts';
import { workerMetrics } from './workerMetrics.ts';

export interface StubMetrics {
  readonly registry: Registry;
  /**
   * One connection of an initiator has got a tunnel or failed to get one: once for each connection.
   *
   * @param warm what became of the tunnel that was dialled ahead for it, if one was
   */
  readonly count: (result: 'tunnel' | 'unreachable' | 'refused', warm?: 'given' | 'closed') => void;
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
    help: 'Tunnels that were dialled ahead and given to an initiator, each counted once: "given" when the gateway has answered, or "closed" where it had closed the tunnel unnoticed, and another one was dialled.',
    labelNames: ['result'],
    registers: [registry],
  });
  const connections = new Counter({
    name: 'sangate_stub_connections_total',
    help: 'Connections of initiators, each counted once: "tunnel" when one is open, "unreachable" where no gateway was reached, or "refused" where it was one too many.',
    labelNames: ['result'],
    registers: [registry],
  });
  workerMetrics(registry, gauges);
  connections.labels('tunnel').inc(0);
  connections.labels('unreachable').inc(0);
  connections.labels('refused').inc(0);
  warmth.labels('given').inc(0);
  warmth.labels('closed').inc(0);
  return {
    registry,
    count: (result, warm) => {
      connections.labels(result).inc();
      if (warm !== undefined) warmth.labels(warm).inc();
    },
  };
}
