import { expect, test } from 'vitest';
import { Recorded } from '../../support/recorded.ts';

const other = { initiator: 'other', target: 'other', lun: 'other' };

/** Of all accounts: whose it is, and how many reads it has. */
function reads({ ledger }: Recorded): [string, string, string, number][] {
  return ledger
    .snapshot()
    .accounts.map(({ initiator, target, lun, classes }) => [initiator, target, lun, classes.read.commands]);
}

test('a gateway that has seen nothing has no account', () => {
  expect(new Recorded().ledger.snapshot()).toMatchObject({ accounts: [], overflow: 0 });
});

test('each initiator, target and logical unit has an account', () => {
  const recorded = new Recorded();
  recorded.command().command({ tag: 2, lun: 5 }).command({ tag: 3, lun: 5 });
  recorded.open('db2', 'iqn.2026-01.org.example:b');
  recorded.command({ lun: 300 });
  expect(reads(recorded)).toEqual([
    ['db1', 'iqn.2001-05.com.equallogic:disk-db1-data', '0', 1],
    ['db1', 'iqn.2001-05.com.equallogic:disk-db1-data', '5', 2],
    ['db2', 'iqn.2026-01.org.example:b', '300', 1],
  ]);
});

test('two ways to write a LUN are one logical unit', () => {
  const recorded = new Recorded();
  recorded.command({ lun: Buffer.from('0005000000000000', 'hex') });
  recorded.command({ tag: 2, lun: Buffer.from('4005000000000000', 'hex') });
  expect(reads(recorded).map(([, , lun, count]) => [lun, count])).toEqual([['5', 2]]);
});

test('the well-known logical unit has a name, and a LUN of no known form is an other', () => {
  const recorded = new Recorded();
  recorded.command({ lun: Buffer.from('c101000000000000', 'hex') });
  recorded.command({ tag: 2, lun: Buffer.from('0005000100000000', 'hex') });
  expect(reads(recorded).map(([, , lun, count]) => [lun, count])).toEqual([
    ['report-luns', 1],
    ['other', 1],
  ]);
});

test('sessions of one initiator with one target share their accounts, and these outlive them', () => {
  const recorded = new Recorded();
  recorded.command().response();
  recorded.recorder.close();
  recorded.open();
  recorded.command().response();
  recorded.open();
  recorded.command();
  expect(recorded.io('read')).toMatchObject({ commands: 3, inFlight: 1 });
  expect(recorded.nexus.sessions).toBe(2);
});

test('what finds no account goes to one that is called other, and is told', () => {
  const recorded = new Recorded({ maxAccounts: 8 });
  for (let lun = 0; lun < 5; lun++) recorded.command({ tag: lun, lun });
  expect(reads(recorded).map(([initiator, , lun, count]) => [initiator, lun, count])).toEqual([
    ['db1', '0', 1],
    ['db1', '1', 1],
    ['other', 'other', 3],
  ]);
  expect(recorded.ledger.snapshot().accounts.at(-1)).toMatchObject(other);
  expect(recorded.ledger.snapshot().overflow).toBe(3);
});

test('each command that is counted as an other is told', () => {
  const recorded = new Recorded({ maxAccounts: 1 });
  for (let tag = 0; tag < 4; tag++) recorded.command({ tag, lun: tag === 0 ? 0 : 7 });
  expect(recorded.ledger.snapshot().overflow).toBe(3);
});

test('a LUN that begins like the one before is another one', () => {
  const recorded = new Recorded().command({ lun: 5 });
  recorded.command({ tag: 2, lun: Buffer.from('0005000000000001', 'hex') });
  recorded.command({ tag: 3, lun: 5 });
  expect(reads(recorded).map(([, , lun, count]) => [lun, count])).toEqual([
    ['5', 2],
    ['other', 1],
  ]);
});

test('sessions between more initiators and targets than there can be accounts are others too', () => {
  const recorded = new Recorded({ maxAccounts: 1 });
  recorded.open('db2');
  recorded.command();
  expect(recorded.ledger.snapshot().nexuses.map(({ initiator, sessions }) => [initiator, sessions])).toEqual([
    ['db1', 1],
    ['other', 1],
  ]);
  expect(recorded.account('other')).toMatchObject(other);
});

test('an initiator that asks for ever more logical units takes no more than its share', () => {
  const recorded = new Recorded({ maxAccounts: 400 });
  for (let lun = 0; lun < 200; lun++) recorded.command({ tag: lun, lun });
  recorded.open('db2');
  recorded.command({ lun: 77 });
  const accounts = reads(recorded);
  expect(accounts.filter(([initiator]) => initiator === 'db1')).toHaveLength(65);
  expect(accounts.at(-2)!.slice(2)).toEqual(['other', 136]);
  expect(accounts.at(-1)!.slice(2)).toEqual(['77', 1]);
});

test('an initiator with many targets leaves three quarters of all accounts to others', () => {
  const recorded = new Recorded({ maxAccounts: 40 });
  for (const target of ['a', 'b', 'c', 'd', 'e']) {
    recorded.open('greedy', `iqn.2026-01.org.example:${target}`);
    for (let lun = 0; lun < 64; lun++) recorded.command({ tag: lun, lun });
  }
  recorded.open('db2');
  recorded.command();
  const accounts = reads(recorded);
  expect(accounts.filter(([initiator]) => initiator === 'greedy')).toHaveLength(10);
  expect(accounts.filter(([initiator]) => initiator === 'db2').map(([, , lun]) => lun)).toEqual(['0']);
  expect(accounts.reduce((sum, [, , , count]) => sum + count, 0)).toBe(5 * 64 + 1);
});

test('a snapshot does not change afterwards', () => {
  const recorded = new Recorded().command();
  const before = recorded.io('read');
  recorded.command({ tag: 2 });
  expect(before.commands).toBe(1);
  expect(before.size.count).toBe(1);
});
