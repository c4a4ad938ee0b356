import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { AuditAlarm } from '../../src/audit/alarm.ts';
import { openAudit, type AuditOptions, type AuditTrail } from '../../src/audit/auditTrail.ts';
import type { AuditEntry } from '../../src/audit/entry.ts';
import { temporaryDirectory } from './temporaryDirectory.ts';

export interface OpenedTrail {
  readonly file: string;
  readonly trail: AuditTrail;
  readonly alarms: AuditAlarm[];
  /** Waits for the next alarm of a kind, or takes one that was there. */
  readonly alarm: (kind: AuditAlarm['kind']) => Promise<AuditAlarm>;
}

/** A trail in a directory of its own, closed when the test is over. */
export async function openTrail(options: Partial<AuditOptions> = {}): Promise<OpenedTrail> {
  const file = options.file ?? join(await temporaryDirectory(), 'audit.jsonl');
  const alarms: AuditAlarm[] = [];
  const waiting: (() => void)[] = [];
  const onAlarm = (alarm: AuditAlarm): void => {
    alarms.push(alarm);
    for (const wake of waiting.splice(0)) wake();
  };
  const trail = await openAudit({ file, onAlarm, ...options });
  onTestFinished(() => trail.close());
  const alarm = async (kind: AuditAlarm['kind']): Promise<AuditAlarm> => {
    for (;;) {
      const found = alarms.find((alarm) => alarm.kind === kind);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  return { file, trail, alarms, alarm };
}

/** A trail of so many logins, written and closed. */
export async function writtenTrail(logins: number, options: Partial<AuditOptions> = {}): Promise<string> {
  const { file, trail } = await openTrail(options);
  for (let n = 1; n <= logins; n++) trail.write(login(n));
  await trail.close();
  return file;
}

export function login(n: number): AuditEntry {
  return { action: 'login', outcome: 'success', sourceIp: '203.0.113.7', own: { session: n } };
}

interface Line {
  readonly event: { readonly action: string; readonly outcome: string; readonly reason?: string };
  readonly message?: string;
  readonly sangate: Readonly<Record<string, unknown>> & {
    readonly session?: number;
    readonly chain: { readonly seq: number; readonly prev: string; readonly hash: string };
  };
}

export async function linesOf(...files: string[]): Promise<Line[]> {
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return texts.flatMap((text) => text.split('\n').slice(0, -1)).map((line) => JSON.parse(line) as Line);
}
