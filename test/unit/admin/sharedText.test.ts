import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SharedText } from '../../../src/admin/sharedText.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** Renders 1, 2, 3 …, no more than twice a second. */
function counting(): SharedText<number> {
  let rendered = 0;
  return new SharedText(() => Promise.resolve(++rendered), 2);
}

test('whoever asks gets a new text, until they are too many in a second', async () => {
  const shared = counting();
  expect([await shared.read(), await shared.read(), await shared.read(), await shared.read()]).toEqual([
    1, 2, 2, 2,
  ]);
});

test('no text is given again when a second is over', async () => {
  const shared = counting();
  for (let i = 0; i < 5; i++) await shared.read();
  vi.advanceTimersByTime(1000);
  expect(await shared.read()).toBe(3);
});

test('who asks while it is rendered gets the same text', async () => {
  const shared = counting();
  expect(await Promise.all([shared.read(), shared.read(), shared.read()])).toEqual([1, 1, 1]);
});

test('a rendering that failed is told to all who waited, and is tried again', async () => {
  let isBroken = true;
  const shared = new SharedText(
    () => (isBroken ? Promise.reject(new Error('broken')) : Promise.resolve('whole')),
    2,
  );
  const asked = await Promise.allSettled([shared.read(), shared.read()]);
  expect(asked.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  isBroken = false;
  expect(await shared.read()).toBe('whole');
});
