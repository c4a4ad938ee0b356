import { run, runOk } from './process.ts';

export const CU_INITIATORS = ['iqn.2024-01.test.sangate:a', 'iqn.2024-01.test.sangate:b'] as const;

type Outcome = 'passed' | 'failed' | 'skipped' | 'no result';

export interface CuResult {
  /** FAMILY.Suite.Test */
  readonly name: string;
  readonly outcome: Outcome;
  /** Everything that iscsi-test-cu printed for this test: what failed or was skipped, and why. */
  readonly transcript: string;
}

/**
 * Runs every test of iscsi-test-cu, destructive ones too, or those under `only` ("FAMILY.Suite"), and gives one result
 * for each, in the order of its list. Where the program hangs or dies, the tests from there on have no result.
 * A second URL is a second path to the same logical unit; without one the multipath tests are skipped.
 */
export async function runTestCu(urls: string[], only = ''): Promise<CuResult[]> {
  const list = (await runOk('iscsi-test-cu', ['--list'])).split('\n');
  const names = list.filter((line) => line.split('.').length === 3 && line.startsWith(only));
  const [first, second] = CU_INITIATORS;
  const selection = only === '' ? [] : ['-t', only];
  const args = ['-d', '-v', '-i', first, '-I', second, ...selection, ...urls];
  const { stdout } = await run('iscsi-test-cu', args, { seconds: 240 });
  return parseTestCu(names, stdout);
}

// "Suite: X" opens a suite; "  Test: X ..." opens a test, and all up to the next such line belongs to it. The
// verdict stands after the dots or, when the test printed something, at the start of a later line. The list's
// families follow one another and repeat suites, so the place in the list tells the family.
function parseTestCu(names: string[], output: string): CuResult[] {
  const [body = ''] = output.split('\nRun Summary:');
  const tests: { name: string; transcript: string }[] = [];
  for (const suite of body.split(/^Suite: /m).slice(1)) {
    const [head = '', ...parts] = suite.split(/^ {2}Test: /m);
    for (const part of parts) {
      const [, test = '', transcript = ''] = /^(\S+) \.\.\.(.*)/s.exec(part) ?? [];
      tests.push({ name: `${head.trim()}.${test}`, transcript: transcript.trim() });
    }
  }
  return names.map((name, index) => {
    const { name: ran, transcript = '' } = tests[index] ?? {};
    if (ran !== undefined && !name.endsWith(`.${ran}`)) {
      throw new Error(
        `iscsi-test-cu ran ${ran} where its list has ${name}: its output has a form not known here`,
      );
    }
    return { name, outcome: outcome(transcript), transcript };
  });
}

function outcome(transcript: string): Outcome {
  const [verdict] = /^(passed|FAILED)/m.exec(transcript) ?? [];
  if (verdict === undefined) return 'no result';
  if (verdict === 'FAILED') return 'failed';
  return transcript.includes('[SKIPPED]') ? 'skipped' : 'passed';
}

/** One line for each test whose results differ, with what was printed on both sides. */
export function cuDifferences(raw: CuResult[], through: CuResult[]): string[] {
  return raw.flatMap((a, index) => {
    const b = through[index]!;
    if (a.outcome === b.outcome && a.transcript === b.transcript) return [];
    return `${a.name}: raw ${a.outcome}, through ${b.outcome}\n--- raw\n${a.transcript}\n--- through\n${b.transcript}`;
  });
}

/** All results, a line for each suite: `ALL.Read10  Simple P/P  BeyondEol F/F`, raw before through. */
export function cuTable(raw: CuResult[], through: CuResult[]): string {
  const suites = new Map<string, string[]>();
  for (const [index, { name, outcome }] of raw.entries()) {
    const [family, suite, test] = name.split('.');
    const key = `${family}.${suite}`;
    const cell = `${test} ${LETTER[outcome]}/${LETTER[through[index]!.outcome]}`;
    suites.set(key, [...(suites.get(key) ?? []), cell]);
  }
  const lines = [...suites].map(([suite, cells]) => `${suite}  ${cells.join('  ')}`);
  return [
    `raw ${totals(raw)}`,
    `through ${totals(through)}`,
    'P passed, F failed, S skipped, - no result',
    ...lines,
  ].join('\n');
}

const LETTER: Record<Outcome, string> = { passed: 'P', failed: 'F', skipped: 'S', 'no result': '-' };

function totals(results: CuResult[]): string {
  const outcomes: Outcome[] = ['passed', 'failed', 'skipped', 'no result'];
  return outcomes
    .map((outcome) => `${results.filter((r) => r.outcome === outcome).length} ${outcome}`)
    .join(', ');
}
