import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { PAGE_HEADERS, statusPage } from '../../../../src/admin/page/page.ts';
import type { Look } from '../../../../src/status/history.ts';
import { ratesBetween } from '../../../../src/status/rates.ts';
import type { Status } from '../../../../src/status/status.ts';
import { SESSION } from '../../../support/adminListener.ts';
import { account, DB1_DISK, gatewayStatus, nexus } from '../../../support/gatewayStatus.ts';

/** The page 2 seconds after a start at which nothing had come yet. */
function page(changes: Partial<Status> = {}): string {
  const before = gatewayStatus(0, { nexuses: [] });
  const status = gatewayStatus(2, changes);
  const rates = ratesBetween(before, status)!;
  return statusPage({ status, rates, moments: [{ at: status.at, seconds: 2, total: rates.total }] });
}

const LOAD = {
  accounts: [
    account({
      read: { commands: 6000, bytes: 60_000_000 },
      write: { commands: 2000, bytes: 20_000_000, bucket: 9, seconds: 0.08 },
    }),
  ],
};

/** As a reader sees it: without elements, on one line. */
function text(page: string): string {
  const body = page.slice(page.indexOf('<main>'), page.indexOf('</main>'));
  return body.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ');
}

test('the share of reads and writes comes first, by operations and by bytes', () => {
  const [, first] = /<section[^>]*>(.*?)<\/section>/s.exec(page(LOAD))!;
  expect(text(`<main>${first}</main>`)).toContain('75 % reads of the operations 25 % writes');
  expect(first).toContain('aria-label="75 % reads, 25 % writes of the bytes"');
});

test('rates, latency and the share of the array are there', () => {
  const shown = text(page(LOAD));
  for (const part of [
    '4.0 k /s',
    '40 MB/s',
    '3.0 k reads',
    '10 MB/s written',
    '21 ms',
    'the array 10 ms (50 %)',
  ]) {
    expect(shown).toContain(part);
  }
});

test('at first it says that it measures, and has no figure that it does not know', () => {
  const first = text(statusPage({ status: gatewayStatus(0), moments: [] }));
  expect(first).toContain('Measuring');
  expect(first).not.toMatch(/NaN|undefined|Infinity/);
});

test('without I/O it claims no share', () => {
  const idle = text(page());
  expect(idle).toContain('no I/O of the operations');
  expect(idle).not.toMatch(/NaN|undefined|Infinity|\d % reads/);
});

test('the heat map has a cell for each latency that there was, stronger for the more frequent', () => {
  const [, map] = /class="chart heat">(.*?)<\/figure>/s.exec(page(LOAD))!;
  const cells = [...map!.matchAll(/<rect\s+class="h(\d)"\s+x="([\d.]+)"\s+y="(\d+)"\s+width="([\d.]+)"/g)];
  // 17 rows, the longest latency at the top; the last 2 of 300 seconds.
  expect(cells.map(([, ...cell]) => cell)).toEqual([
    ['8', '298.0', String(16 - 3), '2.0'],
    [expect.stringMatching(/[1-7]/), '298.0', String(16 - 9), '2.0'],
  ]);
});

test('initiators, gateway and targets are drawn, with what goes between them', () => {
  const [drawing] = /<svg\s+class="topology wide".*?<\/svg>/s.exec(page(LOAD))!;
  expect(drawing).toContain('aria-label="1 initiator and 1 target: 30 MB/s from targets to initiators');
  for (const part of ['db1', DB1_DISK.target, 'array1', 'class="read"', 'class="write"']) {
    expect(drawing).toContain(part);
  }
});

test('of many targets the busiest are drawn, and the rest together', () => {
  const names = Array.from({ length: 40 }, (_, i) => ({ ...DB1_DISK, target: `iqn.x:disk${i}` }));
  const drawn = page({
    accounts: names.map((of, i) => account({ read: { commands: i } }, of)),
    nexuses: names.map((of) => nexus(0, of)),
  });
  const [drawing] = /<svg\s+class="topology wide".*?<\/svg>/s.exec(drawn)!;
  expect(drawing).toContain('iqn.x:disk39<');
  expect(drawing).not.toContain('iqn.x:disk3<');
  expect(drawing).toContain('29 more');
});

test('who was refused is told with the reason, the rule and how often', () => {
  const shown = text(
    page({
      refusals: [
        {
          time: '2026-11-22T12:59:02.000Z',
          count: 3,
          stage: 'request',
          address: '203.0.113.7',
          target: 'iqn.x:archive',
          reason: 'write-protected',
          detail: 'SCSI command 2Ah',
          rule: 'db1 at gateway.yaml:15:9',
          enforced: false,
        },
      ],
    }),
  );
  expect(shown).toContain('1 min ago');
  for (const part of ['3 times', 'write-protected', 'shadow', 'gateway.yaml:15:9', 'iqn.x:archive']) {
    expect(shown).toContain(part);
  }
});

test.each([
  ['2026-11-21T13:00:00.000Z', 'bad', 'over'],
  ['2026-11-24T13:00:00.000Z', 'bad', '1 day left'],
  ['2026-11-27T13:00:00.000Z', 'warning', '4 days left'],
  ['2027-11-22T13:00:00.000Z', 'good', '364 days left'],
])('a certificate until %s is %s: %s', (certificateNotAfter, state, says) => {
  const shown = page({ listeners: [{ listener: '0.0.0.0:3261', certificateNotAfter }] });
  expect(shown).toContain(`<span class="pill ${state}">${says}</span>`);
});

test('an array that is down and a reload that failed are told', () => {
  const { gateway } = gatewayStatus(2);
  const shown = page({
    backends: [{ name: 'array1', isUp: false, sessions: 0 }],
    gateway: { ...gateway, reload: { ...gateway.reload, problem: 'gateway.yaml:3:1: no such key' } },
  });
  expect(shown).toContain('<span class="pill bad">down</span>');
  expect(shown).toContain('reload failed');
  expect(text(shown)).toContain('gateway.yaml:3:1: no such key');
});

test('of a thousand sessions a hundred are shown, and the others counted', () => {
  const sessions = Array.from({ length: 1000 }, (_, i) => ({ ...SESSION, id: i + 1 }));
  expect(text(page({ sessions }))).toContain('and 900 more');
});

const HOSTILE = `"><img src=x onerror=alert(1)><script>alert(2)</script>'\u202e\u0007`;

/** Every text in it is hostile; what is a time, a number or a word of ours stays. */
function hostile<T>(value: T, key = ''): T {
  if (typeof value === 'string')
    return (/time|since|At|Not|Next|Since|stage/.test(key) ? value : HOSTILE) as T;
  if (Array.isArray(value)) return value.map((each) => hostile(each, key)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, hostile(each, key)])) as T;
}

test('no name from the wire, an array or a log line becomes markup', () => {
  const status = hostile(
    gatewayStatus(2, {
      ...LOAD,
      refusals: [
        {
          time: '2026-11-22T12:59:02.000Z',
          count: 1,
          stage: 'login',
          address: 'x',
          certificate: 'x',
          initiator: 'x',
          target: 'x',
          reason: 'x',
          detail: 'x',
          rule: 'x',
          enforced: true,
        },
      ],
    }),
  );
  const before = hostile(gatewayStatus(0));
  const rates = ratesBetween(before, status)!;
  const shown = statusPage({ status, rates, moments: [] });
  expect(shown.split('&lt;script&gt;alert(2)').length).toBeGreaterThan(15);
  expect(shown).not.toContain('<img');
  expect(shown.match(/<script/g)).toHaveLength(1);
  for (const character of ['\u202e', '\u0007']) expect(shown).not.toContain(character);
});

test('it asks nobody else for anything, and has no handler and no style of its own in its elements', () => {
  const shown = page(LOAD);
  expect(shown).not.toMatch(/\b(?:src|href|action|srcset|poster)=/);
  expect(shown).not.toMatch(/https?:|\burl\(|@import/);
  expect(shown).not.toMatch(/\son\w+=|\sstyle=/);
});

test('the policy allows this script and this style, and nothing else', () => {
  const shown = page(LOAD);
  const policy = PAGE_HEADERS['content-security-policy'];
  for (const [element, directive] of [
    ['script', 'script-src'],
    ['style', 'style-src'],
  ] as const) {
    const content = new RegExp(`<${element}>(.*?)</${element}>`, 's').exec(shown)![1]!;
    const hash = createHash('sha256').update(content).digest('base64');
    expect(policy).toContain(`${directive} 'sha256-${hash}';`);
  }
  expect(policy).not.toMatch(/unsafe|\*|https?:|data:/);
  expect(policy).toMatch(/default-src 'none'.*base-uri 'none'.*form-action 'none'.*frame-ancestors 'none'/);
});

test('without a script it asks for itself anew', () => {
  expect(page()).toMatch(/<noscript><meta http-equiv="refresh" content="\d+" \/><\/noscript>/);
});

test('every picture says in words what it shows', () => {
  const shown = page(LOAD);
  for (const [picture] of shown.matchAll(/<svg[^>]*>/g)) {
    expect(picture).toMatch(/role="img"/);
    expect(picture).toMatch(/aria-label="[^"]{10,}"/);
  }
  const look: Look = { status: gatewayStatus(0), moments: [] };
  for (const [picture] of statusPage(look).matchAll(/<svg[^>]*>/g))
    expect(picture).toMatch(/aria-label="[^"]+"/);
});
