import { Counter, Gauge, Registry, type Metric } from 'prom-client';
import type { LedgerSnapshot } from '../accounting/snapshot.ts';
import { HANDSHAKE_REASONS, LOGIN_REASONS } from '../failures.ts';
import type { Observer, Traffic } from './events.ts';
import { ioMetrics } from './ioMetrics.ts';
import { buildInfo, collectProcessMetrics } from './processMetrics.ts';
import { siteMetrics, type SiteFigures } from './siteMetrics.ts';
import type { WorkerFigures } from './workerFigures.ts';
import { workerMetrics } from './workerMetrics.ts';

/** What metrics read when they are scraped; nothing is called per PDU. */
export interface Gauges {
  readonly sessions: () => number;
  readonly unauthenticated: () => number;
  readonly waiting: () => number;
  /** Since the start. */
  readonly turnedAway: () => number;
  readonly traffic: (from: 'initiator' | 'target') => Traffic;
  /** End of validity, seconds since 1970, by what it is the end of. */
  readonly notAfter: () => readonly {
    readonly what: 'certificate' | 'crl';
    readonly listener: string;
    readonly at: number;
  }[];
  readonly ledger: () => LedgerSnapshot;
  readonly site: SiteFigures;
  readonly workers: () => readonly WorkerFigures[];
  readonly crashes: () => number;
}

export interface GatewayMetrics {
  readonly registry: Registry;
  /** The registry's metrics, and those of the relay's accounting. */
  readonly exposition: { readonly contentType: string; readonly metrics: () => Promise<string> };
  readonly observe: Observer;
}

const DIRECTIONS = { initiator: 'initiator_to_target', target: 'target_to_initiator' } as const;

/** The gateway's metrics, each by the convention of its name; known series start at 0. */
export function gatewayMetrics(version: string, gauges: Gauges): GatewayMetrics {
  const registry = new Registry();
  collectProcessMetrics(registry);
  const registers = [registry];
  const add = (metric: Metric): void => registry.registerMetric(metric);

  add(buildInfo(version));
  add(
    new Gauge({
      name: 'sangate_sessions',
      help: 'iSCSI sessions in full feature phase.',
      registers: [],
      collect() {
        this.set(gauges.sessions());
      },
    }),
  );
  add(
    new Gauge({
      name: 'sangate_connections_unauthenticated',
      help: 'Connections that have not authenticated yet, but for tunnels that have waited.',
      registers: [],
      collect() {
        this.set(gauges.unauthenticated());
      },
    }),
  );
  add(
    new Gauge({
      name: 'sangate_tunnels_waiting',
      help: 'Tunnels that were dialled ahead: they wait for their initiator, or it is in its login. limits.waiting bounds them.',
      registers: [],
      collect() {
        this.set(gauges.waiting());
      },
    }),
  );
  add(
    new Counter({
      name: 'sangate_tunnels_turned_away_total',
      help: 'Tunnels that were dialled ahead and found no place to wait: limits.waiting or limits.waitingPerCertificate was used up. One whose initiator does not come in time ends in a login denied, login_timeout.',
      registers: [],
      collect() {
        this.reset();
        this.inc(gauges.turnedAway());
      },
    }),
  );
  trafficCounter(registry, gauges, 'pdus', 'sangate_pdus_total', 'iSCSI PDUs relayed in full feature phase.');
  trafficCounter(
    registry,
    gauges,
    'bytes',
    'sangate_relayed_bytes_total',
    'Bytes of iSCSI relayed in full feature phase.',
  );
  add(
    new Gauge({
      name: 'sangate_not_after_timestamp_seconds',
      help: "End of validity of the gateway's own certificate and of the CRL, by listener; admin is the admin listener.",
      labelNames: ['what', 'listener'],
      registers: [],
      collect() {
        this.reset(); // listeners come and go with a reload
        for (const { what, listener, at } of gauges.notAfter()) this.labels(what, listener).set(at);
      },
    }),
  );

  const handshakes = new Counter({
    name: 'sangate_tls_handshakes_total',
    help: 'TLS handshakes by result; reason is "ok" or why the peer was refused.',
    labelNames: ['reason'],
    registers,
  });
  const logins = new Counter({
    name: 'sangate_logins_total',
    help: 'Logins by result; reason is "ok" or why the login was denied.',
    labelNames: ['result', 'reason'],
    registers,
  });
  const unused = new Counter({
    name: 'sangate_tunnels_unused_total',
    help: 'Tunnels that were dialled ahead and ended before an initiator used them; reason is who ended it or why, "peer_closed" is the stub.',
    labelNames: ['reason'],
    registers,
  });
  const refused = new Counter({
    name: 'sangate_connections_refused_total',
    help: 'Connections refused before TLS: too many were before authentication, or no worker took them.',
    registers,
  });
  const duplicates = new Counter({
    name: 'sangate_duplicate_initiators_total',
    help: 'Logins whose initiator name was there already, with another certificate or from another address.',
    labelNames: ['result'],
    registers,
  });
  const reloadResult = new Gauge({
    name: 'sangate_config_last_reload_successful',
    help: '1 if the last attempt to reload configuration, certificates and secrets succeeded, 0 if it changed nothing.',
    registers,
  });
  const reloadedAt = new Gauge({
    name: 'sangate_config_last_reload_success_timestamp_seconds',
    help: 'When the settings in force were read.',
    registers,
  });
  reloadResult.set(1);
  reloadedAt.setToCurrentTime();
  duplicates.labels('reported').inc(0);
  duplicates.labels('refused').inc(0);
  handshakes.labels('ok').inc(0);
  logins.labels('allowed', 'ok').inc(0);
  for (const reason of ['peer_closed', 'login_timeout']) unused.labels(reason).inc(0);
  for (const reason of HANDSHAKE_REASONS) handshakes.labels(reason).inc(0);
  for (const reason of LOGIN_REASONS) logins.labels('denied', reason).inc(0);

  const judged = siteMetrics(registry, gauges.site);
  workerMetrics(registry, gauges);

  const observe: Observer = (event) => {
    judged(event);
    if (event.kind === 'handshake') handshakes.labels(event.failure?.reason ?? 'ok').inc();
    else if (event.kind === 'unused') unused.labels(event.failure.reason).inc();
    else if (event.kind === 'refused') refused.inc(1 + event.suppressed);
    else if (event.kind === 'duplicate') duplicates.labels(event.isRefused ? 'refused' : 'reported').inc();
    else if (event.kind === 'reload') {
      reloadResult.set(event.problem === undefined ? 1 : 0);
      if (event.problem === undefined) reloadedAt.setToCurrentTime();
    } else if (event.kind === 'login') {
      logins.labels(event.failure === undefined ? 'allowed' : 'denied', event.failure?.reason ?? 'ok').inc();
    }
  };
  const exposition = {
    contentType: registry.contentType,
    metrics: async () => (await registry.metrics()) + (await ioMetrics(gauges.ledger())),
  };
  return { registry, exposition, observe };
}

function trafficCounter(
  registry: Registry,
  gauges: Gauges,
  unit: keyof Traffic,
  name: string,
  help: string,
): void {
  registry.registerMetric(
    new Counter({
      name,
      help,
      labelNames: ['direction'],
      registers: [],
      collect() {
        this.reset();
        for (const side of ['initiator', 'target'] as const)
          this.labels(DIRECTIONS[side]).inc(gauges.traffic(side)[unit]);
      },
    }),
  );
}
