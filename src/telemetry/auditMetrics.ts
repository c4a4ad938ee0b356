import { Counter, Gauge, type Registry } from 'prom-client';

/** What the metrics tell of an audit trail. */
export interface AuditFigures {
  readonly healthy: boolean;
  readonly written: number;
  readonly lost: number;
  readonly damaged: number;
}

/** @param figures read when they are scraped; undefined, and no series, while there is no trail: a reload may bring one */
export function auditMetrics(registry: Registry, figures: () => AuditFigures | undefined): void {
  registry.registerMetric(
    new Gauge({
      name: 'sangate_audit_healthy',
      help: '1 while the audit trail can be written, else 0.',
      registers: [],
      collect() {
        const now = figures();
        if (now === undefined) this.remove();
        else this.set(now.healthy ? 1 : 0);
      },
    }),
  );
  counter(
    registry,
    'sangate_audit_lines_total',
    'Lines written to the audit trail.',
    () => figures()?.written,
  );
  counter(
    registry,
    'sangate_audit_lines_lost_total',
    'Lines that never came into the audit trail, because it could not be written.',
    () => figures()?.lost,
  );
  counter(
    registry,
    'sangate_audit_damaged_total',
    'How often the audit trail was found to be changed by somebody else than this gateway.',
    () => figures()?.damaged,
  );
}

function counter(registry: Registry, name: string, help: string, value: () => number | undefined): void {
  registry.registerMetric(
    new Counter({
      name,
      help,
      registers: [],
      collect() {
        this.reset();
        const now = value();
        if (now === undefined) this.remove();
        else this.inc(now);
      },
    }),
  );
}
