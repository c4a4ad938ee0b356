import type { Program } from './process.ts';

/** A line of the log, with what the tests ask of one. */
export interface LogEntry {
  readonly msg?: string;
  readonly role?: string;
  readonly port?: number;
  readonly initiator?: string;
  readonly certificate?: string;
  readonly reason?: string;
  readonly by?: string;
  readonly session?: number;
  readonly worker?: number;
  readonly pid?: number;
}

/** The entries with this message, in their order. */
export function logged({ lines }: Program, msg: string, since = 0): LogEntry[] {
  return lines.slice(since).flatMap((line) => logEntry(line, msg) ?? []);
}

/** The first entry with this message, earlier ones included (from line `since` on). */
export async function nextLogged(program: Program, msg: string, since = 0): Promise<LogEntry> {
  return program.find((line) => logEntry(line, msg), { what: msg, since });
}

/** The entry in this line if it has this message. */
export function logEntry(line: string, msg: string): LogEntry | undefined {
  if (!line.startsWith('{')) return undefined;
  const entry = JSON.parse(line) as LogEntry;
  return entry.msg === msg ? entry : undefined;
}
