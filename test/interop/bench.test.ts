import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { run, runOk } from './support/process.ts';
import { resources } from './support/resources.ts';

interface Report {
  readonly samples: Record<string, Record<string, { perSecond: number; cpu: Record<string, number> }[]>>;
}

const PATHS = ['direct', 'stunnel', 'haproxy', 'pipes', 'sangate'];
const WORKS = ['read-64k', 'write-64k', 'login'];

const opened = resources(afterAll);

test('the bench carries reads, writes and logins on every path, and has a row for each', async () => {
  const out = path.join(await opened.directory(), 'bench.json');

  const stdout = await bench('--quick', '--rounds', '1', '--only', WORKS.join(','), '--out', out);

  const rows = stdout.split('\n').filter((line) => /^\| .*\d/.test(line));
  expect(rows.map((row) => row.split(' | ')[1])).toEqual(WORKS.flatMap(() => PATHS));
  const { samples } = JSON.parse(await readFile(out, 'utf8')) as Report;
  expect(Object.keys(samples)).toEqual(WORKS);
  const figures = WORKS.flatMap((work) => PATHS.map((path) => samples[work]![path]!));
  expect(figures.map(({ length }) => length)).toEqual(figures.map(() => 1));
  expect(figures.flat().every(({ perSecond }) => perSecond > 0)).toBe(true);
});

test('a work that there is not is refused, with those that there are', async () => {
  const { code, stderr } = await run('npm', ['run', '-s', 'bench', '--', '--only', 'read-5k']);

  expect(code).toBe(1);
  expect(stderr).toContain('there is no read-5k');
  expect(stderr).toContain('write-64k');
});

test('the line of bench:wan takes its round trip for a read, and two for a write that waits for an R2T', async () => {
  const out = path.join(await opened.directory(), 'wan.json');

  await runOk('npm', [
    'run',
    '-s',
    'bench:wan',
    '--',
    '--only',
    'read-4k,write-64k,stunnel,sangate',
    '--rounds',
    '1',
    '--seconds',
    '1',
    '--out',
    out,
  ]);

  const { rows } = JSON.parse(await readFile(out, 'utf8')) as {
    rows: { work: string; path: string; samples: { perSecond: number }[] }[];
  };
  expect(rows.map(({ work, path }) => `${work} ${path}`)).toEqual([
    'read-4k stunnel',
    'read-4k sangate',
    'write-64k stunnel',
    'write-64k sangate',
  ]);
  // never faster than the line: that is no question of the machine
  expect(rows.map(({ work, samples }) => samples[0]!.perSecond <= (work === 'read-4k' ? 20 : 10))).toEqual(
    rows.map(() => true),
  );
});

async function bench(...args: string[]): Promise<string> {
  return runOk('npm', ['run', '-s', 'bench', '--', ...args], { seconds: 120 });
}
