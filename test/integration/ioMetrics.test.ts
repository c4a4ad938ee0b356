import { expect, test } from 'vitest';
import { opcodeAt } from '../../src/iscsi/bhs.ts';
import { decodeBhs } from '../../src/iscsi/layouts.ts';
import { Opcode } from '../../src/iscsi/opcode.ts';
import { encodePdu } from '../../src/iscsi/pdu.ts';
import { DISK1 } from '../support/loginPdus.ts';
import { startSite, startTarget, type Site } from '../support/site.ts';

const PATH = `initiator="db1",target="${DISK1}"`;
const WRITES = `${PATH},lun="0",class="write"`;
const WRITE_10 = Buffer.from('2a000000000000000100', 'hex');
const READ_10 = Buffer.from('28000000000000000100', 'hex');

async function figures(site: Site, ...series: string[]): Promise<(number | undefined)[]> {
  const { port } = site.gateway.admin as { port: number };
  const lines = (await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).split('\n');
  return series.map((name) => {
    const line = lines.find((line) => line.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.slice(name.length));
  });
}

test('commands of a session are in the metrics, and stay there when it has ended', async () => {
  const array = await startTarget({
    // what reads is never answered
    script: ({ bhs }) =>
      opcodeAt(bhs, 0) === Opcode.scsiCommand && decodeBhs('scsiCommand', bhs).cdb[0] === READ_10[0],
  });
  const site = await startSite({ admin: true, backends: { array1: { portals: [array.portal] } } });
  const initiator = await site.connect();
  await initiator.logIn();
  for (let i = 0; i < 3; i++) {
    initiator.command(WRITE_10, Buffer.alloc(512));
    await initiator.next();
  }
  initiator.command(READ_10);
  await initiator.ping();
  const all = (): Promise<(number | undefined)[]> =>
    figures(
      site,
      `sangate_commands_total{${WRITES}}`,
      `sangate_command_bytes_total{${WRITES}}`,
      `sangate_command_duration_seconds_count{${WRITES}}`,
      `sangate_commands_in_flight{${PATH},lun="0",class="read"}`,
      `sangate_nop_round_trip_seconds_count{${PATH},side="target"}`,
      'sangate_initiator_sessions{initiator="db1"}',
    );
  expect(await all()).toEqual([3, 3 * 512, 3, 1, 1, 1]);
  initiator.end();
  await site.log.line({ msg: 'session ended' });
  expect(await all()).toEqual([3, 3 * 512, 3, 0, 1, 0]);
});

test('what a session is denied is in the metrics, by kind', async () => {
  const array = await startTarget();
  const site = await startSite({ admin: true, backends: { array1: { portals: [array.portal] } } });
  const initiator = await site.connect();
  await initiator.logIn();
  initiator.command(Buffer.from([0x04])); // FORMAT UNIT
  await initiator.next();
  const denied = await figures(
    site,
    `sangate_denials_total{${PATH},kind="not-supported",enforced="true"}`,
    `sangate_denials_total{${PATH},kind="hidden-lun",enforced="true"}`,
    `sangate_commands_total{${PATH},lun="0",class="other"}`,
  );
  expect(denied).toEqual([1, 0, undefined]);
});

test('while an initiator does not take what the array sends, the array is not read, and the metrics tell', async () => {
  const array = await startTarget({
    script: ({ bhs }, connection) => {
      if (opcodeAt(bhs, 0) !== Opcode.scsiCommand) return false;
      const { initiatorTaskTag } = decodeBhs('scsiCommand', bhs);
      const piece = encodePdu('dataIn', { initiatorTaskTag }, Buffer.alloc(8192));
      for (let i = 0; i < 4000; i++) connection.send(piece);
      return true;
    },
  });
  const site = await startSite({ admin: true, backends: { array1: { portals: [array.portal] } } });
  const initiator = await site.connect();
  await initiator.logIn();
  initiator.socket.pause();
  initiator.command(READ_10);
  const series = ['target', 'initiator'].map(
    (side) => `sangate_backpressure_seconds_total{${PATH},side="${side}"}`,
  );
  await expect.poll(async () => (await figures(site, ...series))[0], { timeout: 10_000 }).toBeGreaterThan(0);
  expect((await figures(site, ...series))[1]).toBe(0);
});
