import { Counter, Gauge, type Registry } from 'prom-client';
import type { Observer } from './events.ts';

/** What the configuration has and how it fares; read when it is scraped, for a reload changes it. */
export interface SiteFigures {
  /** `/readyz` says so too. */
  readonly isReady: () => boolean;
  readonly backends: () => readonly {
    readonly name: string;
    readonly isUp: boolean;
    readonly sessions: number;
  }[];
  /** `id` is the key under `initiators:`. */
  readonly initiators: () => readonly {
    readonly id: string;
    readonly iqn: string;
    readonly sessions: number;
  }[];
}

/** Verdicts of policy; other failures of a login are no decision of its rules. */
const DENIED = new Set([
  'unknown_initiator',
  'iqn_mismatch',
  'address_denied',
  'acl_denied',
  'duplicate_initiator',
]);

/** Readiness, arrays and initiators as metrics. @returns counts what policy decides */
export function siteMetrics(registry: Registry, figures: SiteFigures): Observer {
  gauge(registry, 'sangate_ready', '1 while the gateway takes connections, as /readyz says.', [], (ready) =>
    ready.set(figures.isReady() ? 1 : 0),
  );
  gauge(
    registry,
    'sangate_backend_up',
    '1 unless the last login or discovery that was tried at the array found it out of reach.',
    ['backend'],
    (up) => {
      for (const { name, isUp } of figures.backends()) up.labels(name).set(isUp ? 1 : 0);
    },
  );
  gauge(registry, 'sangate_backend_sessions', 'Sessions on each array.', ['backend'], (sessions) => {
    for (const { name, sessions: count } of figures.backends()) sessions.labels(name).set(count);
  });
  gauge(
    registry,
    'sangate_initiator_sessions',
    'Sessions of each initiator that is configured.',
    ['initiator'],
    (sessions) => {
      for (const { id, sessions: count } of figures.initiators()) sessions.labels(id).set(count);
    },
  );
  gauge(
    registry,
    'sangate_initiator_info',
    'Always 1; tells the initiator name behind the label that other metrics have.',
    ['initiator', 'iqn'],
    (info) => {
      for (const { id, iqn } of figures.initiators()) info.labels(id, iqn).set(1);
    },
  );
  const decisions = new Counter({
    name: 'sangate_acl_decisions_total',
    help: 'Logins that policy has judged, by whom they named; "unknown" is nobody that is configured.',
    labelNames: ['initiator', 'decision'],
    registers: [registry],
  });
  return (event) => {
    if (event.kind !== 'login') return;
    const { failure, peer } = event;
    if (failure !== undefined && !DENIED.has(failure.reason)) return;
    const initiator = figures.initiators().find(({ iqn }) => iqn === peer.initiatorName)?.id ?? 'unknown';
    decisions.labels(initiator, failure === undefined ? 'allow' : 'deny').inc();
  };
}

function gauge<L extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: L[],
  read: (gauge: Gauge<L>) => void,
): void {
  registry.registerMetric(
    new Gauge({
      name,
      help,
      labelNames,
      registers: [],
      collect() {
        this.reset(); // arrays and initiators come and go with a reload
        read(this);
      },
    }),
  );
}
