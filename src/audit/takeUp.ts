import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { GENESIS, type Link } from './chain.ts';
import type { AuditEntry } from './entry.ts';
import { READ, rotatedFiles } from './siblings.ts';
import { readAt, readTail, type Tail } from './tail.ts';

/** The end of a chain, as far as it is known. */
export interface ChainEnd {
  readonly link: Link;
  /** How long the file is there, if only this process may have written to it since: whoever made it longer was somebody else. */
  readonly size?: number;
}

/** Where a file's chain goes on. */
export interface TakenUp {
  readonly link: Link;
  /** Bytes of whole lines. */
  readonly size: number;
  /** What has to be said of it in the chain. */
  readonly notes: readonly AuditEntry[];
}

/**
 * Finds where to go on in a file that is there, or empty: behind its last whole line. An incomplete one is set aside first. If the
 * file does not hold the line that was written last, the chain goes on from that line nevertheless: so the gap stays to be found.
 *
 * @param known the line that was written last
 */
export async function takeUp(
  handle: FileHandle,
  file: string,
  known: ChainEnd | undefined,
): Promise<TakenUp> {
  const expected = known?.link;
  const { size } = await handle.stat();
  const tail = await readTail(handle, size);
  const notes = tail.end < size ? [await setAside(handle, file, tail.end, size)] : [];
  if (tail.end === 0) {
    const link = expected ?? GENESIS;
    return { link, size: 0, notes: link.seq === 0 ? notes : [begun(link), ...notes] };
  }
  const last = tail.lines.at(-1);
  const problem = problemOf(tail, expected) ?? intrusion(size, known);
  if (problem === undefined) return { link: last!, size: tail.end, notes };
  const newest = tail.lines.findLast((line) => line !== undefined);
  return {
    link: expected ?? newest ?? GENESIS,
    size: tail.end,
    notes: [...notes, damaged(file, problem)],
  };
}

export function damaged(file: string, message: string): AuditEntry {
  return { action: 'audit-damaged', outcome: 'failure', file, message };
}

/** The first line of a file says where the one before it is. */
export function begun(link: Link, file?: string, removed: readonly string[] = []): AuditEntry {
  return {
    action: 'audit-file-begun',
    outcome: 'success',
    message: file === undefined ? 'the file before this one was moved away, or removed' : 'rotated',
    own: {
      previous: { ...(file !== undefined && { file: basename(file) }), ...link },
      ...(removed.length > 0 && { removed: [...removed] }),
    },
  };
}

/** The newest line of the rotated files. */
export async function lastRotated(file: string): Promise<Link | undefined> {
  let newest: Link | undefined;
  for (const rotated of await rotatedFiles(file)) {
    const last = await lastLine(rotated).catch((cause: Error) => {
      throw new Error(`${rotated} can't be read: ${cause.message}`, { cause });
    });
    if (last !== undefined && last.seq > (newest?.seq ?? 0)) newest = { seq: last.seq, hash: last.hash };
  }
  return newest;
}

async function lastLine(file: string): Promise<Link | undefined> {
  const handle = await open(file, READ);
  try {
    const { lines } = await readTail(handle, (await handle.stat()).size);
    return lines.findLast((line) => line !== undefined);
  } finally {
    await handle.close();
  }
}

function problemOf({ lines }: Tail, expected: Link | undefined): string | undefined {
  const last = lines.at(-1);
  if (last === undefined) {
    return 'the last line does not match its own hash: it was changed, or is no audit line';
  }
  if (expected === undefined || expected.seq === 0) return undefined;
  if (last.seq < expected.seq) {
    return `the file ends with line ${last.seq}, but line ${expected.seq} was written (hash ${expected.hash}): lines were cut off`;
  }
  const first = lines.find((line) => line !== undefined)!;
  const holds =
    first.seq > expected.seq + 1 || // it is further back than we look
    (first.seq === expected.seq + 1 && first.prev === expected.hash) || // it is the last one of the file before
    lines.some((line) => line?.hash === expected.hash);
  if (holds) return undefined;
  return `line ${expected.seq} is not the one that was written (hash ${expected.hash}): the file was exchanged, or its lines made anew`;
}

/** Lines that fit into the chain betray nobody by themselves: they are not ours if we did not make the file so long. */
function intrusion(size: number, known: ChainEnd | undefined): string | undefined {
  if (known?.size === undefined || known.size === size) return undefined;
  const { seq, hash } = known.link;
  return `somebody else has written to it: with line ${seq} (hash ${hash}) it had ${known.size} bytes, and has ${size}`;
}

/** Keeps what stands behind the last whole line in a file of its own, on the disk before it leaves the trail. */
async function setAside(handle: FileHandle, file: string, from: number, to: number): Promise<AuditEntry> {
  const aside = `${file}.torn-${Date.now()}`;
  const hash = createHash('sha256');
  const copy = await open(aside, 'wx', 0o600);
  try {
    for (let at = from; at < to; at += CHUNK) {
      const bytes = await readAt(handle, at, Math.min(to, at + CHUNK));
      hash.update(bytes);
      await copy.writeFile(bytes);
    }
    await copy.datasync();
  } finally {
    await copy.close();
  }
  await handle.truncate(from);
  return {
    action: 'audit-tail-set-aside',
    outcome: 'success',
    message: 'the last line was incomplete, as after a crash',
    own: { torn: { file: basename(aside), bytes: to - from, sha256: hash.digest('hex') } },
  };
}

const CHUNK = 65_536;
