/** The way from the document's root to a value: `['initiators', 'db1', 'from', 0]`. */
export type ConfigPath = readonly (string | number)[];

/** Stands for the file of settings that came from flags. */
export const COMMAND_LINE = 'command line';

/** One thing that is wrong (or, as a warning, doubtful) in a configuration, and what to write instead. */
export interface Problem {
  /** As the user typed it. */
  readonly file: string;
  /** 1-based; 0 where there is no text to point into (settings from flags). */
  readonly line: number;
  readonly column: number;
  /** `initiators.db1.from[0]`; empty for the document as a whole. */
  readonly path: string;
  readonly message: string;
  readonly hint: string;
}

/** Everything that is wrong with a configuration, in the order of the file. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const sorted = sortProblems(problems);
    super(sorted.map(formatProblem).join('\n'));
    this.name = 'ConfigError';
    this.problems = sorted;
  }
}

/** What a parser of a single value throws; whoever knows the value's place makes a Problem of it. */
export class ValueError extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.name = 'ValueError';
    this.hint = hint;
  }
}

/** `config/gateway.yaml:17:5: initiators.db1.iqn: what is wrong — what to write instead` */
export function formatProblem({ file, line, column, path, message, hint }: Problem): string {
  return `${formatLocation(file, { line, column })}: ${path === '' ? '' : `${path}: `}${message} — ${hint}`;
}

export function formatLocation(file: string, { line, column }: { line: number; column: number }): string {
  return line === 0 ? file : `${file}:${line}:${column}`;
}

export function formatPath(path: ConfigPath): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join('');
}

/** A user's text inside a message: quoted, control characters escaped, cut where it gets long. Never for secrets. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}

export function sortProblems(problems: readonly Problem[]): Problem[] {
  return problems.toSorted(byPlace);
}

type Place = Pick<Problem, 'line' | 'column'>;

/** In the order of the file. */
export const byPlace = (a: Place, b: Place): number => a.line - b.line || a.column - b.column;
