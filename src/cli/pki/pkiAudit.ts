import { join } from 'node:path';
import { openAudit, type AuditTrail } from '../../audit/auditTrail.ts';
import type { AuditEntry } from '../../audit/entry.ts';
import { PkiError } from '../../pki/pkiError.ts';
import { exists } from '../../pki/files.ts';
import { storeFiles } from '../../pki/store.ts';
import { terminal } from '../terminal/terminal.ts';
import { userName } from '../../audit/userName.ts';

/** Others that use the same authority are waited for: making a key takes a while. */
const PATIENCE_MS = 60_000;

export interface PkiAct {
  readonly action: Extract<AuditEntry['action'], `pki-${string}`>;
  /** The authority's directory. */
  readonly dir: string;
  /** What is asked for. */
  readonly message: string;
}

/** What an act has brought about. */
type Outcome = Pick<AuditEntry, 'message' | 'file'> & { readonly serial?: string };

/**
 * Does something with an authority, and writes one line about it into the `audit.jsonl` beside it, also if it fails. What can't
 * be recorded is not done. There is no option to leave it out: whoever had something to hide would.
 *
 * @param outcome what the line says besides
 * @throws PkiError if nothing can be recorded; what `act` throws
 */
export async function audited<T>(
  { action, dir, message }: PkiAct,
  act: () => Promise<T>,
  outcome: (result: T) => Outcome | Promise<Outcome>,
): Promise<T> {
  const isThere = await exists(storeFiles(dir).caFile);
  let trail = isThere
    ? await openTrail(dir, 'nothing was done, because it could not be recorded')
    : undefined;
  const entry = { action, user: userName(), file: dir, message };
  try {
    const result = await act();
    trail ??= await openTrail(dir, 'it is done, but not recorded'); // the directory is there now
    const { serial, ...told } = await outcome(result);
    trail.write({ ...entry, outcome: 'success', ...told, ...(serial !== undefined && { own: { serial } }) });
    await trail.close();
    if (trail.state.lost > 0) throw new PkiError(`it is done, but not recorded: ${trail.state.error}`);
    return result;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    trail?.write({ ...entry, outcome: 'failure', message: `${message}: ${why}` });
    await trail?.close();
    throw error;
  }
}

async function openTrail(dir: string, otherwise: string): Promise<AuditTrail> {
  const trail = await openAudit({
    file: join(dir, 'audit.jsonl'),
    patienceMs: PATIENCE_MS,
    onAlarm: ({ kind, message }) => {
      if (kind === 'damaged') terminal.warning(message);
    },
  });
  const { healthy, error } = trail.state;
  if (healthy) return trail;
  await trail.close();
  throw new PkiError(`${otherwise}: ${error}`);
}
