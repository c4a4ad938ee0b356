import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { GatheredLines } from '../../../src/telemetry/gatheredLines.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function gathering(): { lines: GatheredLines; written: string[] } {
  const written: string[] = [];
  return { lines: new GatheredLines({ write: (text) => void written.push(text) }), written };
}

test('lines that come within 10 ms go out in one write, in their order', () => {
  const { lines, written } = gathering();
  lines.write('one\n');
  vi.advanceTimersByTime(9);
  lines.write('two\n');
  expect(written).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(written).toEqual(['one\ntwo\n']);
});

test('a line that comes later goes out by itself', () => {
  const { lines, written } = gathering();
  lines.write('one\n');
  vi.advanceTimersByTime(10);
  lines.write('two\n');
  vi.advanceTimersByTime(10);
  expect(written).toEqual(['one\n', 'two\n']);
});

test('what waits goes out at once to whoever is told, and only once', () => {
  const { lines, written } = gathering();
  const last: string[] = [];
  lines.write('last words\n');
  for (let time = 1; time <= 2; time++) lines.pass({ write: (text) => void last.push(text) });
  vi.advanceTimersByTime(100);
  expect({ written, last }).toEqual({ written: [], last: ['last words\n'] });
});
