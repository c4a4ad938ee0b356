import { lineOf, type AuditEntry, type UnchainedLine } from './entry.ts';

/** Entries that wait while nothing can be written; some 8 MB of memory. What comes then is counted. */
export const MAX_WAITING = 8192;
/** Lines that are written together. */
const BATCH = 256;

/** A line, or how many have been lost in its place. */
type Waiting = { readonly line: UnchainedLine } | { readonly gap: Gap };

interface Gap {
  lines: number;
  /** Milliseconds since 1970. */
  readonly since: number;
  until: number;
}

/** What is not yet in the file, in its order, and bounded: where lines had to be lost, another one will say so in their place. */
export class WaitingLines {
  readonly #queue: Waiting[] = [];

  /** What will be in the file of its own, a line for each gap included. */
  get length(): number {
    return this.#queue.length;
  }

  /** Without those that tell of a gap. */
  get entries(): number {
    return entriesIn(this.#queue);
  }

  get isFull(): boolean {
    return this.#queue.length >= MAX_WAITING;
  }

  get hasBatch(): boolean {
    return this.#queue.length >= BATCH;
  }

  add(entry: AuditEntry, now: number): void {
    this.#queue.push({ line: lineOf(entry, now) });
  }

  /** Counts a line that found no place. @returns true if it is the first of its gap */
  lose(now: number): boolean {
    const newest = this.#queue.at(-1); // not being written: the queue is longer than a batch
    if (newest !== undefined && 'gap' in newest) {
      newest.gap.lines++;
      newest.gap.until = now;
      return false;
    }
    this.#queue.push({ gap: { lines: 1, since: now, until: now } });
    return true;
  }

  /** Those that are to be written next; they wait until they are taken out. */
  next(): UnchainedLine[] {
    return this.#queue.slice(0, BATCH).map(toLine);
  }

  /** The first so many have been written. @returns how many entries they were */
  takeOut(count: number): number {
    return entriesIn(this.#queue.splice(0, count));
  }
}

function entriesIn(queue: readonly Waiting[]): number {
  return queue.reduce((sum, waiting) => sum + ('line' in waiting ? 1 : 0), 0);
}

function toLine(waiting: Waiting): UnchainedLine {
  if ('line' in waiting) return waiting.line;
  const { lines, since, until } = waiting.gap;
  const lost = { lines, since: new Date(since).toISOString(), until: new Date(until).toISOString() };
  return lineOf(
    {
      action: 'audit-lines-lost',
      outcome: 'failure',
      message: 'the trail could not be written for so long that not all of it could be kept',
      own: { lost },
    },
    Date.now(),
  );
}
