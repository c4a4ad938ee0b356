import { getSystemErrorMap } from 'node:util';
import type { AuditEntry } from './entry.ts';

/** What somebody should look at. `recovered` and `moved` say that there is nothing to do. */
export interface AuditAlarm {
  readonly kind: 'failing' | 'lost' | 'damaged' | 'recovered' | 'moved';
  readonly message: string;
}

/** The alarm for what a trail says in its own chain about its file, if somebody should look at that. */
export function alarmOf(file: string, { action, message = '', own }: AuditEntry): AuditAlarm | undefined {
  if (action === 'audit-damaged') return { kind: 'damaged', message: `${file}: ${message}` };
  if (action === 'audit-tail-set-aside') {
    return { kind: 'damaged', message: `${file}: ${message}; it is kept in ${own?.torn?.file}` };
  }
  if (own?.previous?.file !== undefined) return undefined;
  return { kind: 'moved', message: `${file} is begun anew: ${message}` };
}

/** Without the path: it may be that of a file which is only there for a moment, and whoever reads it knows the trail. */
export function reasonOf(error: unknown): string {
  const { errno, code, message = String(error) } = error as Partial<NodeJS.ErrnoException>;
  const known = errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1];
  return known === undefined ? message : `${code}: ${known}`;
}
