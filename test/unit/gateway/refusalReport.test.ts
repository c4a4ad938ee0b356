import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Failure } from '../../../src/failures.ts';
import { RefusalReport } from '../../../src/gateway/refusalReport.ts';
import type { GatewayEvent } from '../../../src/telemetry/events.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const failure = new Failure('too_many_connections', 'full');

function start(): { report: RefusalReport; events: GatewayEvent[] } {
  const events: GatewayEvent[] = [];
  return { report: new RefusalReport((event) => void events.push(event)), events };
}

test('the first refusal is told of at once', () => {
  const { report, events } = start();
  report.add({ address: '192.0.2.1' }, failure);
  expect(events).toEqual([{ kind: 'refused', peer: { address: '192.0.2.1' }, failure, suppressed: 0 }]);
});

test('all others of the same second are told of in one event: the last of them, and how many there were besides', () => {
  const { report, events } = start();
  for (let i = 1; i <= 5; i++) report.add({ address: `192.0.2.${i}` }, failure);
  vi.advanceTimersByTime(1000);
  expect(events.slice(1)).toEqual([
    { kind: 'refused', peer: { address: '192.0.2.5' }, failure, suppressed: 3 },
  ]);
});

test('a long flood makes about one event a second, and none is lost from the count', () => {
  const { report, events } = start();
  for (let i = 0; i < 100; i++) {
    report.add({ address: '192.0.2.1' }, failure);
    vi.advanceTimersByTime(100);
  }
  vi.advanceTimersByTime(1000);
  const told = events.map((event) => (event.kind === 'refused' ? 1 + event.suppressed : 0));
  expect(told.reduce((sum, one) => sum + one, 0)).toBe(100);
  expect(events.length).toBeLessThanOrEqual(12);
});

test('a refusal after a quiet second is told of at once again', () => {
  const { report, events } = start();
  report.add({ address: '192.0.2.1' }, failure);
  vi.advanceTimersByTime(1000);
  report.add({ address: '192.0.2.2' }, failure);
  expect(events).toHaveLength(2);
});
