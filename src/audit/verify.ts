import { open, type FileHandle } from 'node:fs/promises';
import { AuditError } from './auditError.ts';
import { ChainCheck, type ChainProblem } from './chainCheck.ts';
import { MAX_LINE, unseal, type Link, type SealedLine } from './chain.ts';
import { readHead } from './head.ts';
import { rotatedFiles } from './siblings.ts';

export interface VerifiedFile {
  readonly file: string;
  /** Numbers of its first and last line; absent if none could be read. */
  readonly first?: number;
  readonly last?: number;
}

export interface Verification {
  /** In the order of the chain. */
  readonly files: readonly VerifiedFile[];
  /** Whole lines. */
  readonly lines: number;
  readonly first?: Link;
  readonly last?: Link;
  /** The first is where to look; those behind it may follow from it. Bounded. */
  readonly problems: readonly ChainProblem[];
  /** An incomplete line at the very end, as after a crash or while one is being written. */
  readonly torn?: { readonly file: string; readonly bytes: number };
  /** A head was found, so a cut end would have shown. */
  readonly hasHead: boolean;
}

/**
 * Verifies the chain over these files, whatever their order. Beside a single one its rotated files are looked for. Changes nothing,
 * and may run while the trail is written.
 *
 * @param expect a hash that was noted elsewhere and must be in the chain
 * @throws AuditError for a file that can't be read
 */
export async function verifyTrail(named: readonly string[], expect?: string): Promise<Verification> {
  // Before the lines: what is written meanwhile must not look like a cut end.
  const heads = (await Promise.all(named.map(readHead))).filter((head) => head !== undefined);
  const parts = await openAll(named);
  try {
    const check = new ChainCheck([
      ...heads.map(({ hash }) => hash),
      ...(expect === undefined ? [] : [expect]),
    ]);
    const files: VerifiedFile[] = [];
    let torn: { file: string; bytes: number } | undefined;
    for (const [index, { file, handle }] of parts.entries()) {
      check.begin(file);
      const rest = await eachLine(handle, (line) => check.line(line));
      if (rest > 0 && index < parts.length - 1) check.incomplete(rest);
      else if (rest > 0) torn = { file, bytes: rest };
      files.push({ file, ...check.range });
    }
    for (const head of heads) check.holdsHead(head);
    if (expect !== undefined) check.holds(expect);
    const { lines, first, last, problems } = check;
    return {
      files,
      lines,
      ...(first && { first }),
      ...(last && { last }),
      problems,
      ...(torn && { torn }),
      hasHead: heads.length > 0,
    };
  } finally {
    await Promise.all(parts.map(({ handle }) => handle.close()));
  }
}

interface Part {
  readonly file: string;
  readonly handle: FileHandle;
  /** Number of its first line that can be read. */
  readonly from: number;
}

/** Opens all of them before any is read: a file that is rotated meanwhile stays what it is. */
async function openAll(named: readonly string[]): Promise<Part[]> {
  const parts: (Part & { id: string })[] = [];
  const add = async (file: string): Promise<void> => {
    const handle = await open(file, 'r').catch((cause: Error) => {
      throw new AuditError(`${file} can't be read: ${cause.message}`, { cause });
    });
    const { dev, ino } = await handle.stat();
    parts.push({ file, handle, from: await firstNumber(handle), id: `${dev}:${ino}` });
  };
  try {
    for (const file of named) await add(file);
    const [only, ...others] = named;
    if (only !== undefined && others.length === 0)
      for (const file of await rotatedFiles(only)) await add(file);
  } catch (error) {
    await Promise.all(parts.map(({ handle }) => handle.close()));
    throw error;
  }
  const unique = parts.filter(({ id }, at) => parts.findIndex((part) => part.id === id) === at);
  const twice = parts.filter((part) => !unique.includes(part));
  await Promise.all(twice.map(({ handle }) => handle.close()));
  return unique.sort((a, b) => a.from - b.from);
}

/** @returns infinity if there is none, as in an empty file, which comes last */
async function firstNumber(handle: FileHandle): Promise<number> {
  let first: SealedLine | undefined;
  await eachLine(handle, (line) => {
    first = unseal(line);
    return first === undefined;
  });
  return first?.seq ?? Infinity;
}

const CHUNK = 262_144;
const NEWLINE = 0x0a;

/**
 * Reads a file line by line; of one that is too long for a line only the beginning is given.
 *
 * @param each returns false to end it
 * @returns how many bytes stand behind the last newline
 */
async function eachLine(handle: FileHandle, each: (line: Buffer) => boolean): Promise<number> {
  let held: Buffer = Buffer.alloc(0);
  let dropped = 0;
  for (let position = 0; ;) {
    const chunk = Buffer.allocUnsafe(CHUNK);
    const { bytesRead } = await handle.read(chunk, 0, CHUNK, position);
    if (bytesRead === 0) return held.length + dropped;
    position += bytesRead;
    let bytes = Buffer.concat([held, chunk.subarray(0, bytesRead)]);
    for (let newline; (newline = bytes.indexOf(NEWLINE)) >= 0; bytes = bytes.subarray(newline + 1)) {
      if (!each(bytes.subarray(0, newline))) return 0;
      dropped = 0;
    }
    held = bytes.subarray(0, MAX_LINE + 1);
    dropped += bytes.length - held.length;
  }
}
