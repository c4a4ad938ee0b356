import type { FileHandle } from 'node:fs/promises';
import { unseal, type SealedLine } from './chain.ts';

/** How much of a file's end is looked at: some hundred lines, more than are written between two heads. */
const WINDOW = 262_144;
const CHUNK = 65_536;
const NEWLINE = 0x0a;

export interface Tail {
  /** Where the last whole line ends; what stands behind it is incomplete. */
  readonly end: number;
  /** The last whole lines, the newest at the end; undefined for one that is none, or that does not match its own hash. */
  readonly lines: readonly (SealedLine | undefined)[];
}

/** Reads how a trail's file ends, however large it is. */
export async function readTail(handle: Pick<FileHandle, 'read'>, size: number): Promise<Tail> {
  const end = await endOfLastLine(handle, size);
  const start = Math.max(0, end - WINDOW);
  const bytes = await readAt(handle, start, end);
  const lines = split(bytes);
  return {
    end,
    // The window begins within a line.
    lines: (start === 0 ? lines : lines.slice(1)).map(unseal),
  };
}

/** @throws Error if the file is shorter than it was */
export async function readAt(handle: Pick<FileHandle, 'read'>, from: number, to: number): Promise<Buffer> {
  const bytes = Buffer.alloc(to - from);
  for (let filled = 0; filled < bytes.length;) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, from + filled);
    if (bytesRead === 0) throw new Error('the file was cut while it was read');
    filled += bytesRead;
  }
  return bytes;
}

/** @returns 0 if there is no newline at all */
async function endOfLastLine(handle: Pick<FileHandle, 'read'>, size: number): Promise<number> {
  for (let to = size; to > 0; to -= CHUNK) {
    const from = Math.max(0, to - CHUNK);
    const at = (await readAt(handle, from, to)).lastIndexOf(NEWLINE);
    if (at >= 0) return from + at + 1;
  }
  return 0;
}

function split(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const newline = bytes.indexOf(NEWLINE, at);
    lines.push(bytes.subarray(at, newline));
    at = newline + 1;
  }
  return lines;
}
