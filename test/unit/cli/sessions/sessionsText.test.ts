import { expect, test } from 'vitest';
import { sessionsText } from '../../../../src/cli/sessions/sessionsText.ts';
import { SESSION } from '../../../support/adminListener.ts';

test('a session is five lines that a person can read', () => {
  expect(sessionsText([SESSION], 80)).toBe(
    `
ID  SINCE (UTC)         COMMANDS    TO ARRAY  FROM ARRAY      DENIED
 7  2026-11-22 13:03        12 k     1.2 GiB     540 MiB           3
    iqn.1993-08.org.debian:01:db1
      from 203.0.113.7, spiffe://example.org/db1
      on iqn.2026-01.org.example:disk1
      at array1, 10.0.0.5:3260`.slice(1),
  );
});

test('without sessions it says so', () => {
  expect(sessionsText([], 80)).toBe('no sessions');
});

test('the column of numbers is as wide as the longest', () => {
  const lines = sessionsText([SESSION, { ...SESSION, id: 12345 }], 80).split('\n');
  expect(lines.flatMap((line) => (/^ *\d/.test(line) ? [line.indexOf('2026')] : []))).toEqual([7, 7]);
});

const LONG = {
  ...SESSION,
  initiator: `iqn.1993-08.org.debian:${'01:'.repeat(60)}db1`,
  target: `iqn.2026-01.org.example:${'磁盤'.repeat(60)}1`,
  certificate: `spiffe://example.org/${'é'.repeat(200)}`,
  address: '2001:db8:1111:2222:3333:4444:5555:6666',
  portal: '[2001:db8:1111:2222:3333:4444:5555:6666]:65535',
  backend: 'a'.repeat(63),
};

test.each([80, 60, 120])('no line is wider than %i columns, and long names lose their middle', (width) => {
  const lines = sessionsText([LONG], width).split('\n');
  expect(Math.max(...lines.slice(2).map(widest))).toBeLessThanOrEqual(width);
  expect(lines[2]).toMatch(/^ {4}iqn\.1993-08.*….*:db1$/);
  expect(lines[4]).toMatch(/^ {6}on iqn\.2026-01.*….*盤1$/);
});

test('where lines have no end, as in a file, nothing is cut', () => {
  const table = sessionsText([LONG], Infinity);
  for (const name of [LONG.initiator, LONG.target, LONG.certificate, LONG.portal])
    expect(table).toContain(name);
});

test.each(['initiator', 'target', 'certificate', 'address', 'backend', 'portal', 'since'] as const)(
  'an escape sequence in %s does not reach the terminal, nor does a line of its own',
  (field) => {
    const table = sessionsText([{ ...SESSION, [field]: 'x\u001b[2J\u009b2J\r\nroot\u202e' }], 80);
    expect(table.replaceAll('\n', '')).toMatch(/^[^\p{C}]*$/u);
    expect(table.split('\n')).toHaveLength(6);
  },
);

/** As terminals count: CJK takes two columns, all else here one. */
const widest = (line: string): number =>
  Array.from(line).reduce((sum, character) => sum + (/\p{Script=Han}/u.test(character) ? 2 : 1), 0);
