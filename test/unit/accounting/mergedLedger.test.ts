import { expect, test } from 'vitest';
import { closedLedger, MergedLedger, NOTHING_COUNTED } from '../../../src/accounting/mergedLedger.ts';
import type { AccountSnapshot, LedgerSnapshot } from '../../../src/accounting/snapshot.ts';
import { Ledger } from '../../../src/accounting/ledger.ts';

const EMPTY = new Ledger({ now: () => 0 });
const NEXUS = (() => {
  EMPTY.open({ initiator: 'db1', target: 'iqn.x:disk' });
  return EMPTY.snapshot().nexuses[0]!;
})();
const HISTOGRAM = { bounds: [1, 2], counts: [0, 0, 0], sum: 0, count: 0 };

function account(
  lun: string,
  commands: number,
  { initiator = 'db1', target = 'iqn.x:disk' } = {},
): AccountSnapshot {
  const none = {
    commands: 0,
    bytes: 0,
    inFlight: 0,
    aborted: 0,
    untimed: 0,
    sequential: 0,
    duration: HISTOGRAM,
    targetDuration: HISTOGRAM,
    initiatorWaitSeconds: 0,
    gatewaySeconds: 0,
    size: HISTOGRAM,
    r2ts: 0,
    r2tWaitSeconds: 0,
    failures: [],
  };
  const read = {
    ...none,
    commands,
    bytes: 512 * commands,
    duration: { ...HISTOGRAM, counts: [commands - 1, 0, 0], sum: 3, count: commands - 1 },
    inFlight: 1,
    failures: [{ status: 'busy', senseKey: 'none', count: 1 }],
  };
  return { initiator, target, lun, classes: { read, write: none, other: none } };
}

const ledgerOf = (accounts: AccountSnapshot[]): LedgerSnapshot => ({
  accounts,
  nexuses: [{ ...NEXUS, denials: [{ kind: 'text', enforced: true, count: 2 }] }],
  overflow: 1,
});

const luns = (from: number): AccountSnapshot[] =>
  Array.from({ length: 64 }, (_, i) => account(String(from + i), 2));
const some = (initiator: string): LedgerSnapshot => ({
  ...NOTHING_COUNTED,
  accounts: Array.from({ length: 200 }, (_, i) =>
    account(String(i % 50), 1, { initiator, target: `iqn.x:${Math.floor(i / 50)}` }),
  ),
});
const count = (ledger: LedgerSnapshot, initiator: string): number =>
  ledger.accounts.filter((one) => one.initiator === initiator).length;

test('what two processes counted of one logical unit is added up', () => {
  const { accounts, nexuses, overflow } = new MergedLedger().merge([
    ledgerOf([account('0', 3)]),
    ledgerOf([account('0', 4), account('1', 5)]),
  ]);
  expect(accounts.map(({ lun, classes }) => [lun, classes.read.commands, classes.read.bytes])).toEqual([
    ['0', 7, 3584],
    ['1', 5, 2560],
  ]);
  expect(accounts[0]!.classes.read).toMatchObject({
    inFlight: 2,
    duration: { counts: [5, 0, 0], sum: 6, count: 5, bounds: [1, 2] },
    failures: [{ status: 'busy', senseKey: 'none', count: 2 }],
  });
  expect(nexuses).toMatchObject([{ initiator: 'db1', sessions: 2, denials: [{ count: 4 }] }]);
  expect(overflow).toBe(2);
});

test('a ledger whose process has ended has nothing in flight and no session, and its sums still hold', () => {
  const { accounts, nexuses } = closedLedger(ledgerOf([account('0', 3)]));
  const { commands, duration, aborted, untimed, inFlight } = accounts[0]!.classes.read;
  expect([inFlight, aborted]).toEqual([0, 1]);
  expect(commands).toBe(duration.count + aborted + untimed + inFlight);
  expect(nexuses[0]!.sessions).toBe(0);
});

test('an initiator has no more logical units at one target than in one ledger; the rest is "other", and counted as overflow', () => {
  const { accounts, overflow } = new MergedLedger().merge([
    { ...NOTHING_COUNTED, accounts: luns(0) },
    { ...NOTHING_COUNTED, accounts: luns(64) },
  ]);
  expect(accounts).toHaveLength(65);
  expect(accounts.at(-1)).toMatchObject({
    lun: 'other',
    initiator: 'db1',
    classes: { read: { commands: 128 } },
  });
  expect(overflow).toBe(128);
});

test('one initiator has a quarter of all places, and all together have 512', () => {
  const merged = new MergedLedger();
  const one = merged.merge([some('db1')]);
  expect(count(one, 'db1')).toBe(128);
  const all = merged.merge(['db1', 'db2', 'db3', 'db4', 'db5'].map(some));
  expect(all.accounts.length).toBe(513);
  expect(count(all, 'other')).toBe(1);
  const commands = all.accounts.reduce((sum, { classes }) => sum + classes.read.commands, 0);
  expect(commands).toBe(1000);
});

test('who has a place keeps it, so that no count goes back, whatever comes in front of it', () => {
  const merged = new MergedLedger();
  const later = Array.from({ length: 64 }, (_, i) => account(String(100 + i), 9));
  merged.merge([{ ...NOTHING_COUNTED, accounts: [account('0', 5)] }]);
  const { accounts } = merged.merge([
    { ...NOTHING_COUNTED, accounts: later },
    { ...NOTHING_COUNTED, accounts: [account('0', 5)] },
  ]);
  expect(accounts.find(({ lun }) => lun === '0')!.classes.read.commands).toBe(5);
  expect(accounts.find(({ lun }) => lun === 'other')!.classes.read.commands).toBe(9);
});

test('what was merged can be merged again, and overflow is not counted twice', () => {
  const merged = new MergedLedger();
  const luns = Array.from({ length: 70 }, (_, i) => account(String(i), 2));
  const once = merged.merge([{ ...NOTHING_COUNTED, accounts: luns }]);
  expect(merged.merge([once])).toEqual(once);
});
