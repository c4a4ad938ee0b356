import { Counter, Gauge, type Registry } from 'prom-client';
import type { WorkerFigures } from './workerFigures.ts';

/** @param figures read when they are scraped; no series but for the losses in one process */
export function workerMetrics(
  registry: Registry,
  figures: { readonly workers: () => readonly WorkerFigures[]; readonly crashes: () => number },
): void {
  const perWorker = (
    name: string,
    help: string,
    value: (worker: WorkerFigures) => number,
    Kind: typeof Gauge | typeof Counter = Gauge,
  ): void =>
    registry.registerMetric(
      new Kind({
        name,
        help,
        labelNames: ['worker'],
        registers: [],
        collect() {
          this.reset(); // one that is lost has none
          for (const worker of figures.workers()) this.labels(String(worker.number)).inc(value(worker));
        },
      }),
    );
  perWorker(
    'sangate_worker_connections',
    'Connections that a worker carries.',
    ({ connections }) => connections,
  );
  perWorker(
    'sangate_worker_cpu_seconds_total',
    'Processor time of a worker and of those before in its place.',
    ({ cpuSeconds }) => cpuSeconds,
    Counter,
  );
  perWorker(
    'sangate_worker_resident_memory_bytes',
    'Memory of a worker.',
    ({ residentBytes }) => residentBytes,
  );
  perWorker(
    'sangate_worker_eventloop_lag_p99_seconds',
    'How late the event loop of a worker is, 99th percentile of the last seconds.',
    ({ eventLoopDelayP99Seconds }) => eventLoopDelayP99Seconds,
  );
  registry.registerMetric(
    new Counter({
      name: 'sangate_worker_crashes_total',
      help: 'Workers that ended without having been told to; each took its connections with it, and another came in its place.',
      registers: [],
      collect() {
        this.reset();
        this.inc(figures.crashes());
      },
    }),
  );
}
