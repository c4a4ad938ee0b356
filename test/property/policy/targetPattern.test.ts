import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { matchesTarget, patternsOverlap } from '../../../src/policy/targetPattern.ts';

/** Few letters, so that runs repeat and the matcher has to come back to its last star. */
const text = (letters: string[]) =>
  fc.array(fc.constantFrom(...letters), { maxLength: 12 }).map((all) => all.join(''));

function byRegularExpression(pattern: string, name: string): boolean {
  const source = pattern.replaceAll(/[.:-]/g, String.raw`\$&`).replaceAll('*', '.*');
  return new RegExp(`^${source}$`).test(name);
}

test('a pattern covers a name exactly if the regular expression with .* for * does', () => {
  fc.assert(
    fc.property(text(['a', 'b', '.', ':', '*']), text(['a', 'b', '.', ':']), (pattern, name) => {
      expect(matchesTarget(pattern, name)).toBe(byRegularExpression(pattern, name));
    }),
    { numRuns: 5000 },
  );
});

test('the longest pattern of stars is decided in a bounded number of looks at the name', () => {
  const pattern = `${'*a'.repeat(111)}b`;
  const letters = 'a'.repeat(223);
  let looks = 0;
  const name = new Proxy(new String(letters), {
    get(target, key) {
      if (typeof key === 'string' && /^\d+$/.test(key)) looks++;
      return Reflect.get(target, key) as unknown;
    },
  });
  expect(matchesTarget(pattern, name as string)).toBe(false);
  expect(looks).toBeLessThanOrEqual(pattern.length * letters.length);
});

test('two patterns overlap exactly if there is a name that both cover', () => {
  // Of so short patterns the shortest such name has at most six letters.
  const names = [''];
  for (const name of names) if (name.length < 6) names.push(`${name}a`, `${name}b`);
  const short = fc.array(fc.constantFrom('a', 'b', '*'), { maxLength: 4 }).map((all) => all.join(''));
  fc.assert(
    fc.property(short, short, (one, other) => {
      const isThere = names.some((name) => matchesTarget(one, name) && matchesTarget(other, name));
      expect(patternsOverlap(one, other)).toBe(isThere);
    }),
    { numRuns: 5000 },
  );
});
