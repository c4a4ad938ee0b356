import pc from 'picocolors';
import { expect, test } from 'vitest';
import { screen, snapshotText, type Shown, type Size } from '../../../../src/cli/top/lines.ts';
import { FIRST_VIEW, type View } from '../../../../src/cli/top/view.ts';
import { ratesBetween } from '../../../../src/status/rates.ts';
import type { Status } from '../../../../src/status/status.ts';
import { account, DB1_DISK, gatewayStatus, nexus } from '../../../support/gatewayStatus.ts';

const PLAIN = pc.createColors(false);
const COLOURED = pc.createColors(true);

function shown(changes: Partial<Status> = {}): Shown {
  const status = gatewayStatus(2, {
    accounts: [
      account({
        read: { commands: 6000, bytes: 60_000_000 },
        write: { commands: 2000, bytes: 20_000_000, inFlight: 4, bucket: 9, seconds: 0.08 },
      }),
    ],
    ...changes,
  });
  return { status, rates: ratesBetween(gatewayStatus(0, { nexuses: [] }), status) };
}

const lines = (of: Shown, size: Partial<Size> = {}, view: Partial<View> = {}): string[] =>
  screen(of, { ...FIRST_VIEW, ...view }, { columns: 80, rows: 24, ...size }, PLAIN);

test('80 by 24 has shares first, then totals, then who does what', () => {
  const text = lines(shown());
  expect(text).toHaveLength(24);
  expect(text[0]).toBe('sangate 0.1.0   ready   up 2 s   13:00:02 UTC');
  expect(text[1]).toMatch(/^ 75 % reads {2}25 % writes of operations {2}█{24}░{8}$/);
  expect(text[3]).toBe('4.0 k IOPS   3.0 k reads   1.0 k writes   30 MB/s read   10 MB/s written');
  expect(text[4]).toBe('latency 21 ms, array 10 ms   99 % below 98 ms   4 in flight   event loop 1.2 ms');
  expect(text[7]).toMatch(/^INITIATOR TARGET .*vIOPS {2}MB\/s {2}READ {4}LAT {2}ARRAY DEPTH FAIL\/s DENY$/);
  expect(text[8]).toMatch(/^db1 {7}.*example:disk1 +4\.0 k +40 {2}75 % +21 ms +10 ms +4 +0 +0$/);
  expect(text.at(-1)).toMatch(/^q quit {3}\? help {3}s sort: IOPS/);
});

test.each([200, 120, 110, 100, 80, 66, 50, 40, 30])(
  'at %i columns no line is longer, and who it is can be read',
  (columns) => {
    const text = lines(shown(), { columns });
    expect(Math.max(...text.map((line) => line.length))).toBeLessThanOrEqual(columns);
    expect(text[8]).toContain('db1');
    expect(text[8]).toContain(':disk1');
    expect(text[8]).toContain('4.0 k');
  },
);

const titles = (columns: number): string[] =>
  lines(shown(), { columns })[7]!
    .trim()
    .split(/[\sv]+/);

test('narrower, what matters less goes first', () => {
  expect(titles(120)).toEqual(expect.arrayContaining(['SESS', 'P99', 'DENY']));
  expect(titles(80)).toEqual(expect.arrayContaining(['LAT', 'ARRAY', 'DEPTH', 'DENY']));
  expect(titles(60)).toEqual(['INITIATOR', 'TARGET', 'IOPS', 'MB/s', 'READ', 'LAT', 'ARRAY']);
  expect(titles(40)).toEqual(['INITIATOR', 'TARGET', 'IOPS', 'MB/s']);
});

test.each([1, 2, 5, 8, 12, 24, 60])('in a window of %i lines there are as many', (rows) => {
  expect(lines(shown(), { rows })).toHaveLength(rows);
});

test('who does not fit is scrolled to, and no further than the last', () => {
  const names = Array.from({ length: 30 }, (_, i) => ({ ...DB1_DISK, initiator: `host${i}` }));
  const many = shown({ accounts: [], nexuses: names.map((of) => nexus(0, of)) });
  const visible = (offset: number): string[] =>
    lines(many, {}, { sort: 'INITIATOR', offset }).filter((line) => line.startsWith('host'));
  expect(visible(0)[0]).toMatch(/^host0 /);
  expect(visible(3)[0]).not.toMatch(/^host0 /);
  expect(visible(1000)).toHaveLength(visible(0).length);
  expect(visible(1000).at(-1)).toMatch(/^host9 /);
});

test('before the second reading it says that it measures', () => {
  expect(lines({ status: gatewayStatus(0) }).join('\n')).toContain('measuring');
});

test('without I/O no share is claimed', () => {
  const text = lines(shown({ accounts: [] })).join('\n');
  expect(text).toContain('no I/O, by operations');
  expect(text).not.toMatch(/NaN|undefined|Infinity/);
});

test('a gateway that does not answer is told, and the last figures stay', () => {
  const text = lines({ ...shown(), problem: 'the gateway cannot be asked' });
  expect(text[0]).toContain('the gateway cannot be asked');
  expect(text[8]).toContain('db1');
});

const HOSTILE = 'x\u001b]0;owned\u0007\u001b[2J\u009b2J\r\n\u202e磁';
const REFUSAL = {
  time: '2026-11-22T13:00:01.000Z',
  count: 2,
  stage: 'login',
  address: HOSTILE,
  certificate: HOSTILE,
  initiator: HOSTILE,
  target: HOSTILE,
  reason: 'acl_denied',
  detail: HOSTILE,
  enforced: true,
} as const;

test('the latest refusals stand below, with how often and how long ago', () => {
  const refusal = { ...REFUSAL, initiator: 'iqn.x:db1', target: 'iqn.x:hidden' };
  expect(lines(shown({ refusals: [refusal] }))).toContain(
    '1 s ago (2 times): acl_denied: iqn.x:db1 at iqn.x:hidden',
  );
});

test('no name, and no message of a gateway, writes to the terminal', () => {
  const names = { initiator: HOSTILE, target: HOSTILE, lun: HOSTILE };
  const hostile: Shown = {
    ...shown({
      accounts: [account({ read: { commands: 10 } }, names)],
      nexuses: [nexus(1, names)],
      refusals: [REFUSAL],
    }),
    problem: HOSTILE,
  };
  for (const byLun of [false, true]) {
    for (const line of lines(hostile, {}, { byLun, filter: '' })) expect(line).toMatch(/^\P{C}*$/u);
    const text = snapshotText(hostile, { ...FIRST_VIEW, byLun }, 80, PLAIN);
    expect(text.replaceAll('\n', '')).toMatch(/^\P{C}*$/u);
  }
});

test('colours are in addition: without them all is there', () => {
  const coloured = screen(shown(), FIRST_VIEW, { columns: 80, rows: 24 }, COLOURED);
  const escape = new RegExp(`${String.fromCodePoint(27)}\\[\\d+m`, 'g');
  expect(coloured.join('\n')).toMatch(escape);
  expect(coloured.map((line) => line.replaceAll(escape, '').trimEnd())).toEqual(
    lines(shown()).map((line) => line.trimEnd()),
  );
});

test('as text to a file, names are whole and no line ends in spaces', () => {
  const long = { ...DB1_DISK, target: `iqn.2001-05.com.equallogic:${'0-8a0906-'.repeat(12)}data` };
  const text = snapshotText(
    shown({ accounts: [account({ read: { commands: 10 } }, long)], nexuses: [nexus(0, long)] }),
    FIRST_VIEW,
    Infinity,
    PLAIN,
  );
  expect(text).toContain(long.target);
  expect(text).not.toMatch(/ $/m);
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(300);
});
