import { expect, test } from 'vitest';
import { quantile } from '../../../src/status/flow.ts';
import { ratesBetween } from '../../../src/status/rates.ts';
import { account, gatewayStatus, nexus } from '../../support/gatewayStatus.ts';
import { SESSION } from '../../support/adminListener.ts';

const before = gatewayStatus(10, {
  accounts: [account({ read: { commands: 100, bytes: 1000 } })],
  nexuses: [nexus(1)],
});
const after = gatewayStatus(14, {
  accounts: [
    account({
      read: { commands: 140, bytes: 5000 },
      write: { commands: 15, bytes: 400, inFlight: 5, failed: 2, bucket: 6, seconds: 0.01 },
      other: { commands: 1 },
    }),
    account({ write: { commands: 5, bytes: 800 } }, { lun: '1' }),
  ],
  nexuses: [nexus(4)],
  sessions: [
    {
      ...SESSION,
      commands: SESSION.commands + 8,
      fromInitiator: { pdus: 1, bytes: SESSION.fromInitiator.bytes + 40 },
    },
    { ...SESSION, id: 8, commands: 4 },
  ],
});

test('what two readings differ by, in a second, is the rate; what is new began at 0', () => {
  const { seconds, total } = ratesBetween(before, after)!;
  expect(seconds).toBe(4);
  expect(total.iops).toEqual({ read: 10, write: 5, other: 0.25 });
  expect(total.bytesPerSecond).toEqual({ read: 1000, write: 300 });
  expect([total.readShare, total.readByteShare]).toEqual([40 / 60, 4000 / 5200]);
  expect([total.inFlight, total.failures]).toEqual([5, 0.5]);
});

test('latency is the mean of the commands that ended in between, and the share of the array is told apart', () => {
  const { latency, targetLatency } = ratesBetween(before, after)!.total;
  // 40 reads, 5 writes on LUN 1 and another command of 1 ms each, 10 writes of 10 ms.
  expect(latency).toBeCloseTo((46 * 0.001 + 10 * 0.01) / 56, 9);
  expect(targetLatency).toBeCloseTo(latency! / 2, 9);
});

test('where nothing ended there is no latency, and where nothing went no share of reads', () => {
  const { total } = ratesBetween(after, { ...after, at: after.at + 1 })!;
  expect([total.latency, total.targetLatency, total.p99, total.readShare]).toEqual(
    Array.from({ length: 4 }, () => undefined),
  );
});

test('an initiator at a target is one row, its logical units each one, with the denials between the two', () => {
  const { nexuses, luns } = ratesBetween(before, after)!;
  expect(nexuses).toEqual([
    expect.objectContaining({ initiator: 'db1', sessions: 1, denials: 4, newDenials: 3 }),
  ]);
  expect(nexuses[0]!.flow.iops.write).toBe(5);
  expect(luns.map(({ lun, flow }) => [lun, flow.iops.write])).toEqual([
    ['0', 3.75],
    ['1', 1.25],
  ]);
});

test('an initiator that has sent no command yet is there all the same', () => {
  const idle = gatewayStatus(14);
  expect(ratesBetween(gatewayStatus(10), idle)!.nexuses.map(({ initiator }) => initiator)).toEqual(['db1']);
});

test('a session has its own rates', () => {
  const { sessions } = ratesBetween(before, after)!;
  expect(sessions.get(7)).toEqual({ commands: 2, bytesSent: 10, bytesReceived: 0 });
  expect(sessions.get(8)!.commands).toBe(1);
});

test('two readings of different runs, or in the wrong order, have no difference', () => {
  const restarted = { ...after, gateway: { ...after.gateway, startedAt: '2026-11-22T14:00:00.000Z' } };
  expect(ratesBetween(before, restarted)).toBeUndefined();
  expect(ratesBetween(after, before)).toBeUndefined();
  expect(ratesBetween(after, after)).toBeUndefined();
});

test.each([
  [0.5, [0, 10, 0, 0], 1.5],
  [0.5, [10, 10, 0, 0], 1],
  [0.99, [0, 0, 0, 5], 4],
  [0.5, [0, 0, 0, 0], undefined],
])('the %d quantile of %j is %s', (q, counts, value) => {
  expect(quantile(q, counts, [1, 2, 4])).toBe(value);
});
