import { setTimeout } from 'node:timers/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { History } from '../../src/status/history.ts';
import { AdminListener } from '../support/adminListener.ts';
import { account, gatewayStatus, nexus } from '../support/gatewayStatus.ts';
import { run, runOk } from './support/process.ts';
import { resources } from './support/resources.ts';

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
/** Throws where nobody catches it. */
const CRASH = `data:text/javascript,process.on('SIGUSR2',()=>{throw new Error('crash')})`;

/** `sangate top` in a window of tmux, from a shell that is there before and after. */
class Window {
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  static async open(columns: number, rows: number, target = 'iqn.x:disk'): Promise<Window> {
    const opened = resources(onTestFinished);
    const start = performance.now();
    const history = new History(() => {
      const at = (performance.now() - start) / 1000;
      const load = { read: { commands: Math.round(at * 1000), bytes: Math.round(at * 8e6) } };
      return gatewayStatus(at, {
        accounts: [account(load, { target })],
        nexuses: [nexus(0, { initiator: 'db1', target }), nexus(0, { initiator: 'db2', target })],
      });
    });
    opened.defer(() => history.stop());
    const { port } = await AdminListener.start({ status: history });
    const window = new Window(path.join(await opened.directory(), 'tmux'));
    opened.defer(() => void run('tmux', ['-S', window.#socket, 'kill-server']));
    const command = `exec ${process.execPath} --import "$CRASH" ${main} top --interval 0.5 --admin 127.0.0.1:${port}`;
    const shell = `sh -c '${command}'; echo "exit code $?"; exec sleep 600`;
    await runOk(
      'tmux',
      [
        '-S',
        window.#socket,
        '-f',
        '/dev/null',
        'new-session',
        '-d',
        '-x',
        `${columns}`,
        '-y',
        `${rows}`,
        shell,
      ],
      { env: { CRASH, LC_ALL: 'C.UTF-8' } },
    );
    return window;
  }

  async text(): Promise<string> {
    return this.#tmux('capture-pane', '-p');
  }

  async until(part: string): Promise<string> {
    for (;;) {
      const text = await this.text();
      if (text.includes(part)) return text;
      await setTimeout(50); // tmux tells of no change
    }
  }

  async press(...keys: string[]): Promise<void> {
    await this.#tmux('send-keys', ...keys);
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux('resize-window', '-x', `${columns}`, '-y', `${rows}`);
  }

  /** The process of `top`, which the shell's `sh` has become. */
  async signal(signal: string): Promise<void> {
    const shell = (await this.#tmux('display-message', '-p', '#{pane_pid}')).trim();
    const children = (await runOk('ps', ['-o', 'pid=', '--ppid', shell])).trim();
    await runOk('kill', ['-s', signal, children.split('\n')[0]!.trim()]);
  }

  /** Is it as programs find it: no alternate screen, a cursor, lines that wrap? */
  async state(): Promise<string> {
    return (await this.#tmux('display-message', '-p', '#{alternate_on} #{cursor_flag} #{wrap_flag}')).trim();
  }

  #tmux(...args: string[]): Promise<string> {
    return runOk('tmux', ['-S', this.#socket, ...args], { env: { LC_ALL: 'C.UTF-8' } });
  }
}

test('top draws on a screen of its own, and follows the window', async () => {
  const window = await Window.open(80, 24);
  const text = await window.until('100 % reads');
  expect(text).toContain('vIOPS');
  expect(text).toMatch(/DENY$/m);
  expect(text.trimEnd().split('\n')).toHaveLength(24);
  expect(await window.state()).toBe('1 0 0');
  await window.resize(50, 16);
  await window.until('q quit   ? help   s sort: IOPS   r reverse\n');
  expect((await window.text()).trimEnd().split('\n')).toHaveLength(16);
});

test('keys sort, filter and show help', async () => {
  const window = await Window.open(100, 30);
  await window.until('db2');
  await window.press('s');
  await window.until('vMB/s');
  await window.press('/', 'd', 'b', '1');
  const filtered = await window.until('filter: db1_');
  expect(filtered).not.toContain('db2');
  await window.press('Escape');
  await window.until('db2');
  await window.press('?');
  await window.until('Any key goes back');
  await window.press('x');
  await window.until('vMB/s');
});

test.each([
  ['q', 'exit code 0'],
  ['C-c', 'exit code 0'],
])('after %s the terminal is as it was', async (key, says) => {
  const window = await Window.open(80, 24);
  await window.until('100 % reads');
  await window.press(key);
  expect(await window.until(says)).not.toContain('IOPS');
  expect(await window.state()).toBe('0 1 1');
});

test.each([
  ['TERM', 'exit code 143'],
  ['INT', 'exit code 130'],
  ['HUP', 'exit code 129'],
  ['USR2', 'Error: crash'],
])('so it is after SIG%s, and the shell hears how it ended', async (signal, says) => {
  const window = await Window.open(80, 24);
  await window.until('100 % reads');
  await window.signal(signal);
  await window.until(says);
  await window.until('exit code');
  expect(await window.state()).toBe('0 1 1');
});

test('a name from the wire cannot leave its line', async () => {
  const window = await Window.open(80, 24, 'iqn.x:\u001b[2J\u001b[31mred\r\n\u001b]0;owned\u0007');
  const text = await window.until('100 % reads');
  expect(text).toMatch(/^db1 .*red.*owned.* 100 % .*0$/m);
});
