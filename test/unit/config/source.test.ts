import { expect, test } from 'vitest';
import { ConfigError } from '../../../src/config/problem.ts';
import { objectSource, yamlSource } from '../../../src/config/source.ts';

function problemsOf(text: string) {
  try {
    yamlSource(text, 'a.yaml');
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const SYNTAX: [name: string, text: string, at: string, hint: RegExp][] = [
  ['a key that is there twice', 'a: 1\nb: 2\na: 3', '3:1', /keep one of them/],
  ['a key that is there twice, once as a number', '1: 1\n"1": 2', '2:1', /keep one of them/],
  ['a tab as indentation', 'a:\n\tb: 1', '2:1', /indent with spaces/],
  ['a second document', 'a: 1\n---\nb: 2', '2:1', /remove the "---" line/],
  ['an open quote', 'a: "x\nb: 1', '2:5', /close what was opened/],
  ['an open bracket', 'a: [1\nb: 2', '2:1', /./],
  ['two keys on a line', 'a: b: c', '1:4', /new line for the second key/],
  ['a reserved character', 'a: @x', '1:4', /put the text in quotes/],
  ['an unknown escape', 'a: "\\q"', '1:5', /single quotes/],
  ['a tag', 'a: !secret x', '1:4', /remove the tag/],
  ['an alias without anchor', 'a: 1\nb: *c', '2:4', /put the text in quotes/],
  ['a map as a key', '? { a: 1 }\n: 2', '1:3', /write a plain name/],
  ['__proto__ as a key', 'a:\n  __proto__: {}', '2:3', /choose another name/],
  ['nothing', '# only a comment\n', '1:1', /start from config/],
  ['a map that is merged into itself', 'a: &x { <<: *x, b: 1 }', '1:1', /write the values out/],
  ['a merge key without a map', 'a: { <<: 3 }', '1:1', /write the values out/],
];

test.each(SYNTAX)('%s is refused where it stands', (_name, text, at, hint) => {
  const [problem] = problemsOf(text);
  expect(`${problem?.line}:${problem?.column}`).toBe(at);
  expect(problem?.hint).toMatch(hint);
});

test('aliases that multiply are refused, not expanded', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 9; i += 1) lines.push(`a${i}: &a${i} [${`*a${i - 1}, `.repeat(9)}]`);
  expect(problemsOf(lines.join('\n'))).toMatchObject([
    { message: 'the aliases or merge keys (<<) of this file cannot be expanded' },
  ]);
});

test('more than a mebibyte is refused before it is parsed', () => {
  expect(problemsOf(`"${'x'.repeat(1024 * 1024)}`)).toMatchObject([
    { message: 'the file is larger than 1 MiB' },
  ]);
});

const source = yamlSource(
  'a:\n  b: [1, { c: 2 }]\n  d:\nbase: &base { e: 3 }\nf: { <<: *base, g: 4 }\nh: *base\n7: x\n',
  'a.yaml',
);

test.each([
  [[], 'value', { line: 1, column: 1 }],
  [['a'], 'key', { line: 1, column: 1 }],
  [['a', 'b'], 'value', { line: 2, column: 6 }],
  [['a', 'b', 1, 'c'], 'key', { line: 2, column: 12 }],
  [['a', 'b', 1, 'c'], 'value', { line: 2, column: 15 }],
  [['a', 'd'], 'value', { line: 3, column: 3 }],
  [['f', 'e'], 'value', { line: 4, column: 18 }],
  [['f', 'g'], 'value', { line: 5, column: 20 }],
  [['h', 'e'], 'key', { line: 4, column: 15 }],
  [['7'], 'value', { line: 7, column: 4 }],
  [['a', 'nothing', 'here'], 'key', { line: 1, column: 1 }],
] as const)('%j has its %s at %j', (path, part, position) => {
  expect(source.positionOf(path, part)).toEqual(position);
});

test('merge keys are part of the value', () => {
  expect(source.value).toMatchObject({ f: { e: 3, g: 4 }, h: { e: 3 } });
});

test('a plain object has no positions', () => {
  expect(objectSource({ a: 1 }, 'command line').positionOf(['a'], 'value')).toEqual({ line: 0, column: 0 });
});
