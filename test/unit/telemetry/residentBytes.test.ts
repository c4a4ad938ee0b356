import { expect, onTestFinished, test, vi } from 'vitest';
import { residentBytes } from '../../../src/telemetry/residentBytes.ts';
import { ownProcessFigures } from '../../../src/telemetry/workerFigures.ts';

/** As it is when no file descriptor is left. */
function withoutDescriptors(): void {
  const rss = vi.spyOn(process.memoryUsage, 'rss').mockImplementation(() => {
    throw new Error('EMFILE: too many open files, uv_resident_set_memory');
  });
  onTestFinished(() => rss.mockRestore());
}

test('a process without a file descriptor says of its memory the most that it had', () => {
  const now = residentBytes();
  withoutDescriptors();
  expect(residentBytes()).toBeGreaterThanOrEqual(now);
});

test('a worker without a file descriptor still says what it costs', () => {
  withoutDescriptors();
  const { cpuSeconds, eventLoopDelayP99Seconds } = ownProcessFigures(0.5);
  expect(cpuSeconds).toBeGreaterThan(0);
  expect(eventLoopDelayP99Seconds).toBe(0.5);
});
