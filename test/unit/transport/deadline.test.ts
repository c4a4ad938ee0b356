import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { deadlineIn } from '../../../src/transport/deadline.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('it aborts when the time is over, with the reason that is made then', () => {
  const { signal } = deadlineIn(1000, undefined, () => new Error('too late'));
  vi.advanceTimersByTime(999);
  expect(signal.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(signal.reason).toEqual(new Error('too late'));
});

test("it aborts with its parent, and for the parent's reason", () => {
  const parent = new AbortController();
  const { signal } = deadlineIn(1000, parent.signal);
  parent.abort(new Error('gone'));
  expect(signal.reason).toEqual(new Error('gone'));
});

test('it is over from the beginning if its parent is', () => {
  expect(deadlineIn(1000, AbortSignal.abort('gone')).signal.reason).toBe('gone');
});

test('once cleared it aborts no more, and leaves neither timer nor listener', () => {
  const parent = new AbortController();
  const { signal, clear } = deadlineIn(1000, parent.signal);
  clear();
  expect(vi.getTimerCount()).toBe(0);
  expect(getEventListeners(parent.signal, 'abort')).toHaveLength(0);
  parent.abort();
  expect(signal.aborted).toBe(false);
});
