import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
  type Pair,
  type YAMLMap,
} from 'yaml';
import { ConfigError, type ConfigPath, type Problem } from './problem.ts';

interface Position {
  readonly line: number;
  readonly column: number;
}

/** Settings as plain data, and where each of them was written. */
export interface ConfigSource {
  readonly file: string;
  readonly value: unknown;
  /** Where the value, or the key in front of it, stands; 0:0 where there is no text. */
  positionOf(path: ConfigPath, part: 'key' | 'value'): Position;
}

/** Nobody writes a mebibyte of configuration; somebody may name the wrong file. */
export const MAX_FILE_BYTES = 1024 * 1024;

/** Settings that came from flags: there is no line to point at. */
export function objectSource(value: unknown, file: string): ConfigSource {
  return { file, value, positionOf: () => ({ line: 0, column: 0 }) };
}

/** Parses one YAML document. @throws ConfigError with every mistake of syntax. */
export function yamlSource(text: string, file: string): ConfigSource {
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) {
    throw new ConfigError([tooLarge(file)]);
  }
  const lineCounter = new LineCounter();
  // Pretty errors quote the source, which may hold a secret that somebody wrote in place.
  // Keys are text: else `1:` and `"1":` were two entries for YAML, and one, which silently wins, for us.
  const document = parseDocument(text, { lineCounter, prettyErrors: false, merge: true, stringKeys: true });
  const at = (offset: number): Position => {
    const { line, col } = lineCounter.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const problem = (offset: number, message: string, hint: string): Problem => {
    return { file, ...at(offset), path: '', message, hint };
  };
  const problems = [...document.errors, ...document.warnings].map(({ code, pos }) =>
    problem(pos[0], ...(SYNTAX[code] ?? OTHER_SYNTAX)),
  );
  problems.push(...structureProblems(document, problem));
  if (document.contents === null) {
    problems.push(
      problem(0, 'the file is empty', 'start from config/gateway-minimal.yaml or config/stub.yaml'),
    );
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { file, value: plainValue(document, problem), positionOf: locator(document, at) };
}

export function tooLarge(file: string): Problem {
  const hint = 'check the path; a configuration is a few kilobytes of YAML';
  return { file, line: 1, column: 1, path: '', message: 'the file is larger than 1 MiB', hint };
}

/** Messages by error code: those of the parser may contain source text. */
const SYNTAX: Readonly<Record<string, readonly [message: string, hint: string]>> = {
  BAD_ALIAS: ['this alias is not valid', 'write *name, with &name in front of an earlier value'],
  BAD_DQ_ESCAPE: [
    'unknown escape in a double-quoted text',
    "write '…' (single quotes), or double each backslash",
  ],
  BAD_INDENT: [
    'the indentation does not fit the lines above',
    'indent all keys of one map by the same number of spaces',
  ],
  BAD_SCALAR_START: ['a text cannot start with this character', 'put the text in quotes'],
  BLOCK_AS_IMPLICIT_KEY: [
    'two keys on one line',
    'start a new line for the second key, put the text in quotes, or write the "- " that a list needs',
  ],
  DUPLICATE_KEY: ['this key is already there in the same map', 'keep one of them, or rename one'],
  MISSING_CHAR: [
    'a closing quote, bracket, brace, comma or colon is missing',
    'close what was opened before this place',
  ],
  MULTIPLE_DOCS: [
    'a second YAML document starts in this file',
    'remove the "---" line: one file is one configuration',
  ],
  NON_STRING_KEY: ['a map or list cannot be a key', 'write a plain name'],
  TAB_AS_INDENT: ['tab used to indent', 'indent with spaces'],
  TAG_RESOLVE_FAILED: ['YAML tags (!name) are not used here', 'remove the tag'],
};
const OTHER_SYNTAX = ['this is not YAML', 'compare with the lines of config/gateway.yaml'] as const;

type Report = (offset: number, message: string, hint: string) => Problem;

/** Refuses what YAML allows and plain data cannot show faithfully. */
function structureProblems(document: Document.Parsed, problem: Report): Problem[] {
  const problems: Problem[] = [];
  visit(document, {
    Pair(_key, { key }) {
      const offset = startOf(key);
      if (isScalar(key) && key.value === '__proto__') {
        problems.push(problem(offset, 'this name cannot be used', 'choose another name'));
      }
    },
    Alias(_key, alias) {
      if (alias.resolve(document) === undefined) {
        problems.push(
          problem(
            startOf(alias),
            'a text cannot start with * (YAML takes it for an alias, and no anchor has this name)',
            'put the text in quotes: "*…"',
          ),
        );
      }
    },
  });
  return problems;
}

function plainValue(document: Document.Parsed, problem: Report): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    const hint = 'write the values out instead';
    throw new ConfigError([
      problem(0, 'the aliases or merge keys (<<) of this file cannot be expanded', hint),
    ]);
  }
}

function locator(document: Document.Parsed, at: (offset: number) => Position): ConfigSource['positionOf'] {
  return (path, part) => {
    let value: unknown = document.contents;
    let key: unknown = value;
    for (const step of path) {
      const pair = child(document, value, step);
      if (pair === undefined) break;
      ({ key, value } = pair);
    }
    // `key:` with nothing behind it has a value of no width in some later place.
    const empty = isScalar(value) && value.value === null;
    return at(startOf(part === 'key' || empty ? key : value));
  };
}

function child(
  document: Document.Parsed,
  parent: unknown,
  step: string | number,
): { key: unknown; value: unknown } | undefined {
  const node = isAlias(parent) ? parent.resolve(document) : parent;
  if (isSeq(node)) {
    const item = node.items[Number(step)];
    return item === undefined ? undefined : { key: item, value: item };
  }
  if (!isMap(node)) return undefined;
  const own = findPair(node, String(step));
  if (own !== undefined) return own;
  const merged = findPair(node, '<<')?.value;
  const bases = isSeq(merged) ? merged.items : [merged];
  for (const base of bases) {
    const inherited = isMap(base) || isAlias(base) ? child(document, base, step) : undefined;
    if (inherited !== undefined) return inherited;
  }
  return undefined;
}

function findPair(map: YAMLMap, name: string): Pair | undefined {
  return map.items.find(
    ({ key }) =>
      isScalar(key) && (typeof key.value === 'symbol' ? key.value.description : String(key.value)) === name,
  );
}

function startOf(node: unknown): number {
  return (node as Node | null)?.range?.[0] ?? 0;
}
