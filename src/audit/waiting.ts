import { lineOf, type UnchainedLine } from './entry.ts';

/** What is not yet in the file: a line, or how many have been lost in its place. */
export type Waiting = { readonly line: UnchainedLine } | { readonly gap: Gap };

interface Gap {
  lines: number;
  /** Milliseconds since 1970. */
  readonly since: number;
  until: number;
}

export function toLine(entry: Waiting): UnchainedLine {
  if ('line' in entry) return entry.line;
  const { lines, since, until } = entry.gap;
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
