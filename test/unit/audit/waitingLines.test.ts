import { expect, test } from 'vitest';
import { MAX_WAITING, WaitingLines } from '../../../src/audit/waitingLines.ts';
import { login } from '../../support/auditTrail.ts';

/** As many as there is room for. */
function full(): WaitingLines {
  const waiting = new WaitingLines();
  while (!waiting.isFull) waiting.add(login(waiting.length), 0);
  return waiting;
}

test('there is room for so many and no more', () => {
  expect(full().length).toBe(MAX_WAITING);
});

test('what stays out of a write waits on, in its order', () => {
  const waiting = full();
  const before = waiting.next();
  expect(waiting.takeOut(3)).toBe(3);
  expect(waiting.length).toBe(MAX_WAITING - 3);
  expect(waiting.next().slice(0, 10)).toEqual(before.slice(3, 13));
});

test('lines that are lost in a row are one gap, and the next row is another', () => {
  const waiting = full();
  expect([waiting.lose(1), waiting.lose(2)]).toEqual([true, false]);
  waiting.takeOut(2);
  waiting.add(login(1), 3);
  expect(waiting.lose(4)).toBe(true);
  expect(waiting.length).toBe(MAX_WAITING + 1);
});

test('a gap is told of in a line, which is no entry', () => {
  const waiting = new WaitingLines();
  waiting.lose(0);
  waiting.lose(1000);
  expect(waiting.entries).toBe(0);
  expect(JSON.stringify(waiting.next())).toContain('audit-lines-lost');
  expect(waiting.takeOut(1)).toBe(0);
});
