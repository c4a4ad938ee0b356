import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { FileWatch } from '../../../../src/run/reload/fileWatch.ts';
import { temporaryDirectory } from '../../../support/temporaryDirectory.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

test('a change that is being looked at when it is forgotten is not told', async () => {
  const directory = await temporaryDirectory();
  const [first, second] = [join(directory, 'first'), join(directory, 'second')];
  for (const file of [first, second]) await writeFile(file, 'before');
  const told: (readonly string[])[] = [];
  const watch = new FileWatch((files) => told.push(files));
  onTestFinished(() => watch.stop());
  watch.watch([first, second]);
  await writeFile(first, 'after it');
  vi.advanceTimersByTime(500); // it looks
  watch.forget();
  await writeFile(second, 'after it');
  while (told.length === 0) {
    vi.advanceTimersByTime(100);
    await new Promise(setImmediate);
  }
  expect(told).toEqual([[second]]);
});
