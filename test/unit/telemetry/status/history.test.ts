import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { History } from '../../../../src/telemetry/status/history.ts';
import { account, gatewayStatus } from '../../../support/gatewayStatus.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A gateway that reads 10 times a second, and the clock by which it does. */
function start() {
  const clock = { at: 0 };
  const read = () =>
    gatewayStatus(clock.at, { accounts: [account({ read: { commands: Math.round(clock.at * 10) } })] });
  return { clock, history: new History(read) };
}

test('the first look has no rates, one some seconds later has', () => {
  const { clock, history } = start();
  expect(history.look().rates).toBeUndefined();
  clock.at = 2;
  expect(history.look().rates!.total.iops.read).toBe(10);
  history.stop();
});

test('who looks right after another sees the rates that the other saw, and the sessions of now', () => {
  const { clock, history } = start();
  history.look();
  clock.at = 2;
  history.look();
  clock.at = 2.5;
  const { rates, status, moments } = history.look();
  expect([rates!.seconds, status.at, moments.length]).toEqual([2, 1002.5, 1]);
  history.stop();
});

test('when nobody looks, it goes on by itself until it is stopped', () => {
  const { clock, history } = start();
  for (clock.at = 5; clock.at < 60; clock.at += 5) vi.advanceTimersByTime(5000);
  expect(history.look().moments.length).toBeGreaterThan(10);
  history.stop();
  expect(vi.getTimerCount()).toBe(0);
});

test('it goes back five minutes and no further', () => {
  const { clock, history } = start();
  for (clock.at = 2; clock.at < 2000; clock.at += 2) history.look();
  const { moments, status } = history.look();
  expect(moments.length).toBeLessThanOrEqual(151);
  expect(status.at - moments[0]!.at).toBeLessThanOrEqual(302);
  history.stop();
});

test('after a long sleep there are no rates until the next look', () => {
  const { clock, history } = start();
  clock.at = 3600;
  expect(history.look()).toMatchObject({ moments: [] });
  expect(history.look().rates).toBeUndefined();
  clock.at = 3602;
  expect(history.look().rates!.total.iops.read).toBe(10);
  history.stop();
});
