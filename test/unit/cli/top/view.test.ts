import { expect, test } from 'vitest';
import { FIRST_VIEW, press, rowsOf, SORT_KEYS, type View } from '../../../../src/cli/top/view.ts';
import { ratesBetween } from '../../../../src/status/rates.ts';
import { account, DB1_DISK, gatewayStatus, nexus } from '../../../support/gatewayStatus.ts';

const DB2 = { ...DB1_DISK, initiator: 'db2', target: 'iqn.x:other' };
const IDLE = { ...DB1_DISK, initiator: 'idle' };

/** db1 reads much that is small, db2 writes a little that is large and slow; idle is logged in; gone was once. */
const RATES = ratesBetween(
  gatewayStatus(0, { nexuses: [] }),
  gatewayStatus(2, {
    accounts: [
      account({ read: { commands: 900, bytes: 900 } }),
      account({ read: { commands: 100, bytes: 100 } }, { lun: '1' }),
      account({ write: { commands: 10, bytes: 9000, inFlight: 3, seconds: 0.5 } }, DB2),
    ],
    nexuses: [nexus(0), nexus(7, DB2), nexus(0, IDLE), { ...nexus(0), initiator: 'gone', sessions: 0 }],
  }),
)!;

const names = (view: Partial<View>): string[] =>
  rowsOf(RATES, { ...FIRST_VIEW, ...view }).map(({ initiator, lun }) => `${initiator}${lun ?? ''}`);

test.each([
  ['IOPS', ['db1', 'db2', 'idle']],
  ['MB/s', ['db2', 'db1', 'idle']],
  ['READ', ['db1', 'db2', 'idle']],
  ['LAT', ['db2', 'db1', 'idle']],
  ['ARRAY', ['db2', 'db1', 'idle']],
  ['DEPTH', ['db2', 'db1', 'idle']],
  ['DENY', ['db2', 'db1', 'idle']],
  ['INITIATOR', ['db1', 'db2', 'idle']],
] as const)('sorted by %s it is %j, and the other way round if so wanted', (sort, order) => {
  expect(names({ sort })).toEqual(order);
  expect(names({ sort, isReversed: true })).toEqual(order.toReversed());
});

test('by logical unit there is a line for each that was used', () => {
  expect(names({ byLun: true })).toEqual(['db10', 'db11', 'db20']);
});

test('a filter finds parts of names in either case', () => {
  expect(names({ filter: 'OTHER' })).toEqual(['db2']);
  expect(names({ filter: 'nobody' })).toEqual([]);
});

/** Presses these one after the other. */
function pressed(keys: readonly string[], view: View = FIRST_VIEW): View | 'quit' {
  let now: View | 'quit' = view;
  for (const key of keys) {
    if (now === 'quit') break;
    now =
      key.length === 1
        ? press(now, { name: key, sequence: key }, 10)
        : press(now, { name: key, sequence: '\u001b?' }, 10);
  }
  return now;
}

test('s goes through everything that can be sorted by, S back', () => {
  expect(pressed(['s'])).toMatchObject({ sort: 'MB/s' });
  expect(pressed(SORT_KEYS.map(() => 's'))).toMatchObject({ sort: 'IOPS' });
  expect(pressed(['S'])).toMatchObject({ sort: 'INITIATOR' });
});

test('q quits, and so do Ctrl-C and Ctrl-D, also while a filter is typed', () => {
  expect(pressed(['q'])).toBe('quit');
  for (const name of ['c', 'd']) {
    expect(press({ ...FIRST_VIEW, isTyping: true }, { name, ctrl: true, sequence: '\u0003' }, 10)).toBe(
      'quit',
    );
  }
});

test('a filter is typed between / and Enter, with letters that mean something else otherwise', () => {
  expect(pressed(['/', 'q', 's', 'x', 'backspace', 'return'])).toMatchObject({
    filter: 'qs',
    isTyping: false,
    sort: 'IOPS',
  });
});

test('Esc ends a filter', () => {
  expect(pressed(['/', 'd', 'return', 'escape'])).toMatchObject({ filter: '' });
  expect(pressed(['/', 'd', 'escape'])).toMatchObject({ filter: '', isTyping: false });
});

test('a filter takes nothing that moves the cursor, and has an end', () => {
  expect(press({ ...FIRST_VIEW, isTyping: true }, { sequence: '\u001b[31m' }, 10)).toMatchObject({
    filter: '',
  });
  expect(pressed(['/', ...Array.from({ length: 500 }, () => 'x')])).toMatchObject({ filter: 'x'.repeat(60) });
});

test('arrows and pages scroll, and never above the first line', () => {
  expect(pressed(['down', 'down', 'up'])).toMatchObject({ offset: 1 });
  expect(pressed(['pagedown', 'down'])).toMatchObject({ offset: 11 });
  expect(pressed(['down', 'pageup'])).toMatchObject({ offset: 0 });
  expect(pressed(['pagedown', 'home'])).toMatchObject({ offset: 0 });
});

test('p pauses and goes on, l and r turn, any key leaves the help', () => {
  expect(pressed(['p', 'l', 'r'])).toMatchObject({ isPaused: true, byLun: true, isReversed: true });
  expect(pressed(['p', ' '])).toMatchObject({ isPaused: false });
  expect(pressed(['?'])).toMatchObject({ isHelp: true });
  expect(pressed(['?', 's'])).toMatchObject({ isHelp: false, sort: 'IOPS' });
});
