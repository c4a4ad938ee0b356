import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { History } from '../../../src/status/history.ts';
import { account, gatewayStatus } from '../../support/gatewayStatus.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A gateway that reads 10 times a second, and the clock by which it does. */
function start() {
  const clock = { at: 0 };
  /** When it can't be read. */
  const fails = { at: -1 };
  const read = () => {
    if (clock.at === fails.at) throw new Error('no file descriptor is left');
    return gatewayStatus(clock.at, {
      accounts: [account({ read: { commands: Math.round(clock.at * 10) } })],
    });
  };
  return { clock, fails, history: new History(read) };
}

test('the first look has no rates, one some seconds later has', async () => {
  const { clock, history } = start();
  expect((await history.look()).rates).toBeUndefined();
  clock.at = 2;
  expect((await history.look()).rates!.total.iops.read).toBe(10);
  history.stop();
});

test('who looks right after another sees the rates that the other saw, and the sessions of now', async () => {
  const { clock, history } = start();
  await history.look();
  clock.at = 2;
  await history.look();
  clock.at = 2.5;
  const { rates, status, moments } = await history.look();
  expect([rates!.seconds, status.at, moments.length]).toEqual([2, 1002.5, 1]);
  history.stop();
});

test('when nobody looks, it goes on by itself until it is stopped', async () => {
  const { clock, history } = start();
  for (clock.at = 5; clock.at < 60; clock.at += 5) await vi.advanceTimersByTimeAsync(5000);
  expect((await history.look()).moments.length).toBeGreaterThan(10);
  history.stop();
  expect(vi.getTimerCount()).toBe(0);
});

test('it goes back five minutes and no further', async () => {
  const { clock, history } = start();
  for (clock.at = 2; clock.at < 2000; clock.at += 2) await history.look();
  const { moments, status } = await history.look();
  expect(moments.length).toBeLessThanOrEqual(151);
  expect(status.at - moments[0]!.at).toBeLessThanOrEqual(302);
  history.stop();
});

test('after a long sleep there are no rates until the next look', async () => {
  const { clock, history } = start();
  clock.at = 3600;
  expect(await history.look()).toMatchObject({ moments: [] });
  expect((await history.look()).rates).toBeUndefined();
  clock.at = 3602;
  expect((await history.look()).rates!.total.iops.read).toBe(10);
  history.stop();
});

test('a reading that fails is left out, and whoever looks then hears why', async () => {
  const { clock, history, fails } = start();
  fails.at = 5;
  for (clock.at = 5; clock.at < 20; clock.at += 5) await vi.advanceTimersByTimeAsync(5000);
  expect((await history.look()).moments.length).toBeGreaterThan(0);
  fails.at = clock.at;
  await expect(history.look()).rejects.toThrow('no file descriptor is left');
  history.stop();
});
