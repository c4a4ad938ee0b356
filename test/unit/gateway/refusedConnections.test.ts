import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Failure } from '../../../src/failures.ts';
import { RefusedConnections } from '../../../src/gateway/refusedConnections.ts';
import type { GatewayEvent } from '../../../src/telemetry/events.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const failure = new Failure('too_many_connections', 'full');

function start(): { connections: RefusedConnections; events: GatewayEvent[] } {
  const events: GatewayEvent[] = [];
  return { connections: new RefusedConnections((event) => void events.push(event)), events };
}

test('the first refusal is told of at once', () => {
  const { connections, events } = start();
  connections.add({ address: '192.0.2.1' }, failure);
  expect(events).toEqual([{ kind: 'refused', peer: { address: '192.0.2.1' }, failure, suppressed: 0 }]);
});

test('all others of the same second are told of in one event: the last of them, and how many there were besides', () => {
  const { connections, events } = start();
  for (let i = 1; i <= 5; i++) connections.add({ address: `192.0.2.${i}` }, failure);
  vi.advanceTimersByTime(1000);
  expect(events.slice(1)).toEqual([
    { kind: 'refused', peer: { address: '192.0.2.5' }, failure, suppressed: 3 },
  ]);
});

test('a long flood makes about one event a second, and none is lost from the count', () => {
  const { connections, events } = start();
  for (let i = 0; i < 100; i++) {
    connections.add({ address: '192.0.2.1' }, failure);
    vi.advanceTimersByTime(100);
  }
  vi.advanceTimersByTime(1000);
  const told = events.map((event) => (event.kind === 'refused' ? 1 + event.suppressed : 0));
  expect(told.reduce((sum, one) => sum + one, 0)).toBe(100);
  expect(events.length).toBeLessThanOrEqual(12);
});

test('a refusal after a quiet second is told of at once again', () => {
  const { connections, events } = start();
  connections.add({ address: '192.0.2.1' }, failure);
  vi.advanceTimersByTime(1000);
  connections.add({ address: '192.0.2.2' }, failure);
  expect(events).toHaveLength(2);
});
