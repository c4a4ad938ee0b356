import { readdirSync, readFileSync } from 'node:fs';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expressions, plainPromql } from '../../grafana/src/dashboards.ts';
import { METRIC_EXAMPLES } from '../../src/telemetry/metricExamples.ts';
import { iscsiInq } from './support/libiscsi.ts';
import { everyPath, iscsiPerf, qemuWrites, reading, writing, type Load } from './support/loads.ts';
import { nextLogged } from './support/log.ts';
import { abortAndPing, damagedHeader } from './support/oddSessions.ts';
import { EVERY_PATH } from './support/openSession.ts';
import { issueEcCertificates } from './support/openssl.ts';
import { runOk } from './support/process.ts';
import { Prometheus } from './support/prometheus.ts';
import { resources } from './support/resources.ts';
import {
  issueCertificates,
  revoke,
  startGateway,
  startStub,
  twinOf,
  type Certificates,
  type RunningGateway,
} from './support/sangate.ts';
import { diskFile, Tgtd } from './support/tgtd.ts';
import { withoutThresholds } from './support/thresholds.ts';
import { tunnelDialler } from './support/tunnel.ts';
import { TEST_UNIT_READY, WritingInitiator } from './support/writingInitiator.ts';

// A Prometheus that scrapes a gateway with I/O, and with everything that can go wrong at it, is asked what dashboards and rules ask.

const target = 'iqn.2024-01.test.sangate:measured';
const deniedTarget = 'iqn.2024-01.test.sangate:denied';
const unreachableTarget = 'iqn.2024-01.test.sangate:unreachable';
const own = 'iqn.2024-01.test.sangate:own';
const reader = 'iqn.2024-01.test.sangate:reader';
const writer = 'iqn.2024-01.test.sangate:writer';
const offender = 'iqn.2024-01.test.sangate:offender';
/** The keys that `startGateway` gives their rules. */
const RULES = { own: 'db1', reader: 'db2', writer: 'db3' };
type Loaded = keyof typeof RULES;
const DISK = 1;
const DAMAGED = 2;
const HIDDEN = 3;
/** What Grafana makes of `$__rate_interval` at the scrape interval of deploy/prometheus.yaml. */
const RATE_INTERVAL = '1m';
const RANGE = '1h';

const root = fileURLToPath(new URL('../../', import.meta.url));
const rules = path.join(root, 'grafana/prometheus/rules');
const opened = resources(afterAll);

let gateway: RunningGateway;
let portal: string;
let certificates: Required<Certificates>;
let prometheus: Prometheus;
let loads: Record<Loaded, Load>;
/** Before and after the loads, and when everything had happened. */
let times: { before: number; after: number; end: number };

beforeAll(async () => {
  await startSite();
  const goWrong = await prepareTroubles();
  prometheus = await Prometheus.start(opened, {
    gateway: gateway.admin,
    ruleFiles: readdirSync(rules).map((file) => path.join(rules, file)),
  });
  // A rate is of what an earlier scrape has seen: who will load is there before, and what goes wrong does so twice.
  for (const iqn of [reader, writer]) await iscsiInq({ portal, iqn }, target);
  const disk = { portal: gateway.address, target, iqn: own };
  const initiator = await WritingInitiator.logIn(opened, disk, tunnelDialler(certificates));
  await goWrong();
  const before = await prometheus.scraped();
  const [ofWriter, ofOwn] = await Promise.all([
    qemuWrites({ portal, target, iqn: writer }, 5000),
    everyPath(initiator, 200),
  ]);
  const ofReader = await iscsiPerf({ portal, target, iqn: reader }, 5);
  loads = { reader: ofReader, writer: ofWriter, own: ofOwn };
  const after = await prometheus.scraped();
  await goWrong();
  const end = await prometheus.evaluated(await prometheus.scraped());
  times = { before, after, end };
});

test('every panel has data', async () => {
  const empty: string[] = [];
  for (const { dashboard, panel, expr } of expressions()) {
    if (!(await hasData(plain(expr)))) empty.push(`${dashboard}, ${panel}: ${plain(expr)}`);
  }
  expect(empty).toEqual([]);
});

test('every rule has data, alerts but for their thresholds', async () => {
  const all = await prometheus.rules();
  expect(all.filter(({ health }) => health !== 'ok')).toEqual([]);
  const empty: string[] = [];
  for (const { name, type, query } of all) {
    const asked = type === 'recording' ? name : withoutThresholds(query);
    if (!(await hasData(asked))) empty.push(`${name}: ${asked}`);
  }
  expect(empty).toEqual([]);
});

test.each([
  'SangateBackendDown',
  'SangateDigestErrors',
  'SangateDuplicateInitiator',
  'SangateMediumErrors',
  'SangateReloadFailed',
  'SangateRevokedCertificateUsed',
])('%s is on its way or has come, for it has happened', async (alert) => {
  const { state } = (await prometheus.rules()).find(({ name }) => name === alert)!;
  expect(['pending', 'firing']).toContain(state);
});

test('every metric of docs/metrics.md has data', async () => {
  const [ofGateway] = readFileSync(path.join(root, 'docs/metrics.md'), 'utf8').split('## Stub');
  const metrics = [...ofGateway!.matchAll(/^\| `(sangate_\w+)` \| (\w+) \|/gm)];
  expect(metrics.length).toBeGreaterThan(30);
  const empty: string[] = [];
  for (const [, name, type] of metrics) {
    if (!(await hasData(type === 'histogram' || type === 'summary' ? `${name}_count` : name!)))
      empty.push(name!);
  }
  expect(empty).toEqual([]);
});

test.each(METRIC_EXAMPLES)('docs/metrics.md: $question', async ({ query }) => {
  expect(await hasData(query)).toBe(true);
});

test.each(Object.keys(RULES) as Loaded[])(
  'commands and bytes of the load "%s" are within 1 % of what its tool says',
  async (who) => {
    for (const ioClass of ['read', 'write'] as const) {
      const series = `{initiator="${RULES[who]}", target="${target}", class="${ioClass}"}`;
      const { commands, bytes } = loads[who][ioClass];
      expectAbout(await grown(`sangate_commands_total${series}`), commands);
      expectAbout(await grown(`sangate_command_bytes_total${series}`), bytes);
    }
  },
);

test.each(['commands', 'bytes'] as const)(
  'the panel "Reads and writes, by %s" is within 1 % of what the load tools say',
  async (figure) => {
    const said = (ioClass: keyof Load): number =>
      Object.values(loads).reduce((sum, load) => sum + load[ioClass][figure], 0);
    const all = said('read') + said('write');
    const [reads, writes] = expressions().filter(
      ({ dashboard, panel }) =>
        dashboard === 'sangate: Overview' && panel === `Reads and writes, by ${figure}`,
    );
    expectAbout(await valueOf(plain(reads!.expr), times.end), said('read') / all);
    expectAbout(await valueOf(plain(writes!.expr), times.end), said('write') / all);
  },
);

test('promtool finds no fault with what was scraped', async () => {
  const file = path.join(await opened.directory(), 'metrics');
  await writeFile(file, await (await fetch(`http://${gateway.admin}/metrics`)).text());
  expect(await runOk('sh', ['-c', 'promtool check metrics < "$0" 2>&1', file])).toBe('');
});

/** A gateway with an array and one that is down, four initiators, an audit trail and a revocation list; and a stub. */
async function startSite(): Promise<void> {
  const directory = await opened.directory();
  const luns: Record<number, string> = {};
  // sparse: the load is to read no further than this in a second
  for (const lun of [DISK, DAMAGED, HIDDEN]) luns[lun] = await diskFile(directory, `${lun}.img`, 4096);
  const tgtd = await Tgtd.start(opened);
  const gone = await Tgtd.start(opened);
  await gone.kill();
  await tgtd.addTarget(target, { luns, parameters: EVERY_PATH });
  // tgtd finds the end of the file where the medium should be
  await truncate(luns[DAMAGED]!, 0);

  certificates = await issueCertificates(opened);
  const access = { target, luns: [DISK, DAMAGED] };
  gateway = await startGateway(opened, {
    workers: 2, // for the panels that tell of each
    certificates,
    backends: [
      { portals: [tgtd.portal], targets: [target] },
      { portals: [gone.portal], targets: [unreachableTarget] },
    ],
    initiators: [
      { iqn: own, targets: [access] },
      { iqn: reader, targets: [{ ...access, mode: 'read-only' }] },
      { iqn: writer, targets: [access] },
      { iqn: offender, targets: [{ ...access, mode: 'read-only' }, unreachableTarget] },
    ],
    guards: { duplicateInitiators: 'report' },
    audit: true,
  });
  portal = (await startStub(opened, certificates, gateway.address)).address;
}

/** @returns lets everything go wrong once */
async function prepareTroubles(): Promise<() => Promise<void>> {
  const config = await readFile(gateway.file, 'utf8');
  const [second, revoked] = [await twinOf(certificates, 'second'), await twinOf(certificates, 'revoked')];
  await revoke(certificates, 'revoked');
  const stranger = { ...certificates, initiator: (await issueEcCertificates(opened)).initiator };
  const disk = { portal: gateway.address, target, iqn: offender };
  const logIn = (differing: Partial<typeof disk>, by: Certificates = certificates) =>
    WritingInitiator.logIn(opened, { ...disk, ...differing }, tunnelDialler(by));

  return async () => {
    await reload(`watch: false\n${config}`, 'reloaded');
    await reload('initiators: [', 'reload failed: everything is as it was');
    for (const refused of [revoked, stranger]) await expect(logIn({}, refused)).rejects.toThrow();
    await expect(logIn({ iqn: `${offender}-unknown` })).rejects.toThrow();
    await expect(logIn({ target: deniedTarget })).rejects.toThrow();
    await expect(logIn({ target: unreachableTarget })).rejects.toThrow();

    const first = await logIn({});
    const duplicate = await logIn({}, second);
    const writeProtected = await duplicate.execute(writing(0, 8, 'immediate'));
    const hidden = await duplicate.execute({ ...reading(0, 8), lun: HIDDEN });
    await duplicate.execute({ cdb: TEST_UNIT_READY, lun: DAMAGED }); // takes its unit attention
    const damaged = await duplicate.execute({ ...reading(0, 8), lun: DAMAGED });
    const senses = [writeProtected, hidden, damaged].map(({ sense }) => sense);
    expect(senses).toEqual(['07/27/00', '05/25/00', '03/11/00']);
    await Promise.all([first.logOut(), duplicate.logOut()]);
    await abortAndPing(opened, disk, tunnelDialler(certificates));
    await damagedHeader(opened, disk, tunnelDialler(certificates));
  };
}

async function reload(text: string, result: string): Promise<void> {
  const { file, program } = gateway;
  const since = program.lines.length;
  await writeFile(file, text);
  program.signal('SIGHUP');
  await nextLogged(program, result, since);
}

function plain(expr: string): string {
  return plainPromql(expr, { rateInterval: RATE_INTERVAL, range: RANGE });
}

async function hasData(query: string): Promise<boolean> {
  return (await prometheus.query(query, times.end)).some(({ value }) => !Number.isNaN(value));
}

/** What the loads have added; computed from two scrapes, because PromQL's `increase` extrapolates. */
async function grown(counter: string): Promise<number> {
  const [before, after] = [
    await valueOf(`sum(${counter})`, times.before),
    await valueOf(`sum(${counter})`, times.after),
  ];
  return after - before;
}

async function valueOf(query: string, at: number): Promise<number> {
  return (await prometheus.query(query, at))[0]?.value ?? NaN;
}

function expectAbout(value: number, said: number): void {
  expect(Math.abs(value - said), `${value}, and the tool says ${said}`).toBeLessThanOrEqual(said / 100);
}
