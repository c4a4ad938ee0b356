import { expect, onTestFinished, test } from 'vitest';
import { History } from '../../src/status/history.ts';
import type { Status } from '../../src/status/status.ts';
import { AdminListener } from '../support/adminListener.ts';
import { CommandLine, sangate } from '../support/commandLine.ts';
import { account, gatewayStatus } from '../support/gatewayStatus.ts';

const USAGE = 64;

/** A gateway of whose reads there are 1000 a second, by its own clock. */
async function start(changes: (at: number) => Partial<Status> = () => ({})): Promise<string[]> {
  let readings = 0;
  const history = new History(() => {
    const at = readings++;
    return gatewayStatus(at, {
      accounts: [account({ read: { commands: 1000 * at, bytes: 8_000_000 * at } })],
      ...changes(at),
    });
  });
  onTestFinished(() => history.stop());
  const { port } = await AdminListener.start({ status: history });
  return ['--admin', `127.0.0.1:${port}`];
}

test('where the output is no terminal, top shows one reading over an interval, as text without colours', async () => {
  const at = await start();
  const { code, stdout, stderr } = await sangate(['top', '--interval', '0.5', ...at], {
    env: { NO_COLOR: '', FORCE_COLOR: '1' },
  });
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain('100 % reads   0 % writes of operations');
  expect(stdout).toMatch(/^db1 +iqn\.2026-01\.org\.example:disk1 +1 +1\.0 k +8\.0 +100 %/m);
  expect(stdout).not.toContain('\u001b');
});

test('top --luns has a line for each logical unit', async () => {
  const { stdout } = await sangate(['top', '--interval', '0.5', '--luns', ...(await start())]);
  expect(stdout).toMatch(/^INITIATOR +TARGET +LUN +SESS/m);
});

test('top --json prints one document with rates and refusals', async () => {
  const { code, stdout } = await sangate(['top', '--json', '--interval', '0.5', ...(await start())]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    schema: 1,
    seconds: 1,
    total: { iops: { read: 1000, write: 0 }, bytesPerSecond: { read: 8_000_000 }, readShare: 1 },
    nexuses: [{ initiator: 'db1', sessions: 1 }],
    luns: [{ initiator: 'db1', lun: '0' }],
    backends: [{ name: 'array1', isUp: true }],
    refusals: [],
  });
});

test('a gateway that was started anew in between is no basis for rates', async () => {
  const at = await start((at) => ({
    gateway: { ...gatewayStatus(0).gateway, startedAt: new Date(at * 1000).toISOString() },
  }));
  const { code, stderr } = await sangate(['top', '--interval', '0.5', ...at]);
  expect(code).toBe(1);
  expect(stderr).toContain('started anew');
});

test('another version of the status is refused, not guessed at', async () => {
  const at = await start(() => ({ schema: 2 as never }));
  const { code, stderr } = await sangate(['top', '--once', ...at]);
  expect(code).toBe(1);
  expect(stderr).toContain('no gateway of this version');
});

test('nobody there is told with what to do', async () => {
  const { code, stderr } = await sangate(['top', '--admin', '127.0.0.1:1']);
  expect(code).toBe(1);
  expect(stderr).toContain('is the gateway running?');
});

test.each([
  ['--interval', '0.1'],
  ['--interval', 'NaN'],
  ['--interval', '1e3'],
  ['--sort', 'colour'],
])('%s %s is a mistake', async (...args) => {
  expect((await sangate(['top', ...args])).code).toBe(USAGE);
});

test('a pipe that ends early is no failure', async () => {
  const command = new CommandLine(['top', '--interval', '0.5', ...(await start())]);
  command.child.stdout.destroy();
  expect(await command.exit()).toMatchObject({ code: 0, stderr: '' });
});
