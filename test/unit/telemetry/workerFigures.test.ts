import { expect, onTestFinished, test, vi } from 'vitest';
import { ownProcessFigures } from '../../../src/telemetry/workerFigures.ts';

test('a process without a file descriptor still says what it costs, and of its memory the most that it had', () => {
  const rss = vi.spyOn(process.memoryUsage, 'rss').mockImplementation(() => {
    throw new Error('EMFILE: too many open files, uv_resident_set_memory');
  });
  onTestFinished(() => rss.mockRestore());
  const { residentBytes, cpuSeconds, eventLoopDelayP99Seconds } = ownProcessFigures(0.5);
  expect(residentBytes).toBeGreaterThan(1024 * 1024);
  expect(cpuSeconds).toBeGreaterThan(0);
  expect(eventLoopDelayP99Seconds).toBe(0.5);
});
