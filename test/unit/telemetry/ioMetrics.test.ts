import { expect, test } from 'vitest';
import { IO_FAMILIES } from '../../../src/telemetry/ioFamilies.ts';
import { ioMetrics } from '../../../src/telemetry/ioMetrics.ts';
import { encodeSenseSegment } from '../../../src/iscsi/scsiResponse.ts';
import { AdditionalSense, fixedSense, SenseKey } from '../../../src/scsi/sense.ts';
import { DISK } from '../../support/initiatorRule.ts';
import { cdb10, Recorded } from '../../support/recorded.ts';

const PATH = `initiator="db1",target="${DISK}"`;

async function lines(recorded: Recorded): Promise<string[]> {
  return (await ioMetrics(recorded.ledger.snapshot())).split('\n');
}

/** What stands behind the series with this name and these labels. */
async function value(recorded: Recorded, series: string): Promise<number | undefined> {
  const line = (await lines(recorded)).find((line) => line.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length));
}

/** Something of everything. */
function busy(): Recorded {
  const recorded = new Recorded();
  recorded.command().pass(20).dataIn();
  recorded
    .command({ cdb: cdb10(0x2a), length: 512 })
    .pass(1)
    .r2t()
    .pass(30)
    .dataOut()
    .pass(1)
    .response();
  const sense = encodeSenseSegment(fixedSense(SenseKey.dataProtect, AdditionalSense.writeProtected));
  recorded.command({ cdb: cdb10(0x2a), length: 512 });
  recorded.response({ status: 2, underflow: true, residualCount: 512 }, sense);
  recorded.command({ tag: 5, cdb: cdb10(0x28, 8) });
  recorded.taskManagement({ function: 5 }).taskManagementAnswered();
  recorded.nopOut({ initiatorTaskTag: 5 }).pass(2).nopIn({ initiatorTaskTag: 5 });
  recorded.recorder.denied('hidden-lun', true);
  recorded.recorder.digestError('target');
  recorded.recorder.pause('initiator');
  recorded.pass(1500).recorder.resume('initiator');
  recorded.command({ tag: 6 });
  return recorded;
}

test.each([
  ['sangate_commands_total', 'class="read"', 3],
  ['sangate_commands_total', 'class="write"', 2],
  ['sangate_commands_total', 'class="other"', 0],
  ['sangate_command_bytes_total', 'class="read"', 4096],
  ['sangate_command_bytes_total', 'class="write"', 512],
  ['sangate_commands_in_flight', 'class="read"', 1],
  ['sangate_commands_aborted_total', 'class="read"', 1],
  ['sangate_commands_untimed_total', 'class="read"', 0],
  ['sangate_sequential_commands_total', 'class="read"', 1],
  ['sangate_command_duration_seconds_bucket', 'class="read",le="0.01"', 0],
  ['sangate_command_duration_seconds_bucket', 'class="read",le="0.025"', 1],
  ['sangate_command_duration_seconds_count', 'class="write"', 2],
  ['sangate_command_duration_seconds_sum', 'class="write"', 0.032],
  ['sangate_command_target_duration_seconds_sum', 'class="write"', 0.002],
  ['sangate_command_initiator_wait_seconds_total', 'class="write"', 0.03],
  ['sangate_command_gateway_seconds_total', 'class="write"', 0],
  ['sangate_command_size_bytes_bucket', 'class="write",le="512"', 2],
  ['sangate_command_size_bytes_sum', 'class="read"', 3 * 4096],
  ['sangate_command_failures_total', 'class="write",status="check-condition",sense_key="data-protect"', 1],
])('%s by LUN and class: %s', async (name, labels, expected) => {
  expect(await value(busy(), `${name}{${PATH},lun="0",${labels}}`)).toBe(expected);
});

test.each([
  [`sangate_r2t_total{${PATH},lun="0"}`, 1],
  [`sangate_r2t_wait_seconds_total{${PATH},lun="0"}`, 0.03],
  [`sangate_task_management_total{${PATH},function="logical-unit-reset",response="complete"}`, 1],
  [`sangate_nop_round_trip_seconds_sum{${PATH},side="target"}`, 0.002],
  [`sangate_nop_round_trip_seconds_count{${PATH},side="target"}`, 1],
  [`sangate_nop_round_trip_seconds_count{${PATH},side="initiator"}`, 0],
  [`sangate_digest_errors_total{${PATH},side="target"}`, 1],
  [`sangate_backpressure_seconds_total{${PATH},side="initiator"}`, 1.5],
  [`sangate_denials_total{${PATH},kind="hidden-lun",enforced="true"}`, 1],
  [`sangate_denials_total{${PATH},kind="hidden-lun",enforced="false"}`, 0],
  ['sangate_accounting_overflow_total', 0],
])('%s', async (series, expected) => {
  expect(await value(busy(), series)).toBe(expected);
});

test('there are no sizes and no streams of what neither reads nor writes', async () => {
  const written = (await lines(busy())).filter((line) => line.includes('class="other"'));
  expect(written.length).toBeGreaterThan(0);
  expect(written.filter((line) => /^sangate_(command_size|sequential)/.test(line))).toEqual([]);
});

test('each family says what it is exactly once, and has the labels that it says it has', async () => {
  const recorded = busy();
  recorded.open('db2');
  recorded.command({ lun: 5 });
  const written = await lines(recorded);
  const headers = written.filter((line) => line.startsWith('# TYPE ')).map((line) => line.split(' ')[2]);
  expect(headers).toEqual(IO_FAMILIES.map(({ name }) => name));
  expect(written.at(-1)).toBe('');
  let name = '';
  for (const line of written.slice(0, -1)) {
    if (line.startsWith('# ')) name = line.split(' ')[2]!;
    else {
      const [series, labels = ''] = line.split(/[{}]/);
      const named = [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label!);
      expect(series!.replace(/(_(bucket|sum|count))? .*$|_(bucket|sum|count)$/, '')).toBe(name);
      expect(named.filter((label) => label !== 'le')).toEqual(
        IO_FAMILIES.find((family) => family.name === name)!.labels,
      );
    }
  }
});

test('no two series are the same', async () => {
  const recorded = busy();
  recorded.open('db2');
  recorded.command({ lun: 5 });
  const written = (await lines(recorded)).filter((line) => line !== '' && !line.startsWith('#'));
  const names = written.map((line) => line.slice(0, line.lastIndexOf(' ')));
  expect(new Set(names).size).toBe(names.length);
});

test('a full ledger is written in turns', async () => {
  const recorded = new Recorded();
  for (let i = 0; i < 512; i++) {
    if (i % 16 === 0) recorded.open(`db${i}`);
    recorded.command({ lun: i % 16, tag: i });
  }
  let isWritten = false;
  const written = ioMetrics(recorded.ledger.snapshot()).then(() => (isWritten = true));
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect(isWritten).toBe(false);
  await written;
});
