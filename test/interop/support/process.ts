import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterEach } from 'vitest';
import { peerEnvironment } from './peers.ts';
import type { Resources } from './resources.ts';

export interface Finished {
  /** Exit code; null when a signal ended the program. */
  readonly code: number | null;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly env?: Record<string, string>;
  /** The program is killed after so many seconds (default 60). */
  readonly seconds?: number;
  /** Hears what the program writes to stdout when it does. */
  readonly heard?: (text: string) => void;
}

/** Runs a program to its end. A bad exit code is a result, not an error. */
export async function run(program: string, args: string[], options: RunOptions = {}): Promise<Finished> {
  const child = launch(program, args, ['ignore', 'pipe', 'pipe'], options.env);
  const output = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
    options.heard?.(text);
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  let timedOut = false;
  const timer = setTimeout(() => (timedOut = child.kill('SIGKILL')), (options.seconds ?? 60) * 1000);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, timedOut, ...output };
  } finally {
    clearTimeout(timer);
  }
}

/** Like `run`, for programs that must succeed: throws with everything the program said. Gives its stdout. */
export async function runOk(program: string, args: string[], options: RunOptions = {}): Promise<string> {
  const { code, timedOut, stdout, stderr } = await run(program, args, options);
  if (code === 0) return stdout;
  const outcome = timedOut ? 'was killed: it took too long' : `ended with code ${code}`;
  throw new Error(`${program} ${args.join(' ')} ${outcome}\n${stdout}${stderr}`);
}

// What the programs had to say is the first thing that one asks after a failed test.
const beside = new Set<Program>();
afterEach(({ task }) => {
  if (task.result?.state !== 'fail') return;
  for (const { name, lines } of beside) console.log(`${name}\n${lines.slice(-15).join('\n')}\n`);
});

/** A program that runs beside the test until it is stopped; every line that it writes is kept. */
export class Program {
  readonly name: string;
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #watchers = new Set<() => void>();

  constructor(
    opened: Resources,
    command: string,
    args: string[],
    options: { env?: Record<string, string> } = {},
  ) {
    this.name = [command, ...args].join(' ');
    this.#child = launch(command, args, ['pipe', 'pipe', 'pipe'], options.env);
    beside.add(this);
    opened.defer(async () => {
      await this.stop();
      beside.delete(this);
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.lines.push(line);
        this.#notify();
      });
    }
    this.#child.once('close', () => this.#notify());
    // a command typed at a program that has just ended: the wait for its answer reports that
    this.#child.stdin!.on('error', () => {});
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Waits until the program has ended of its own accord. @returns its exit code; null when a signal ended it */
  async exited(seconds = 20): Promise<number | null> {
    if (this.running) await once(this.#child, 'close', { signal: AbortSignal.timeout(seconds * 1000) });
    return this.#child.exitCode;
  }

  /**
   * The first value that `match` finds in a line, earlier lines included (from `since` on). Throws, with the
   * program's last lines, when the program ends first or nothing matches within `seconds`.
   */
  async find<T>(
    match: (line: string) => T | undefined,
    { what, since = 0, seconds = 20 }: { what: string; since?: number; seconds?: number },
  ): Promise<T> {
    let next = since;
    return new Promise<T>((resolve, reject) => {
      const finish = (settle: () => void): void => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        settle();
      };
      const fail = (why: string): void =>
        finish(() =>
          reject(new Error(`${this.name}: ${why} (${what})\n${this.lines.slice(-20).join('\n')}`)),
        );
      const look = (): void => {
        while (next < this.lines.length) {
          const found = match(this.lines[next++]!);
          if (found !== undefined) return finish(() => resolve(found));
        }
        if (!this.running) fail('ended too early');
      };
      const timer = setTimeout(() => fail(`said nothing of the kind within ${seconds} s`), seconds * 1000);
      this.#watchers.add(look);
      look();
    });
  }

  /** Types one line into the program. */
  type(line: string): void {
    this.#child.stdin!.write(`${line}\n`);
  }

  /** Ends the program at once and waits until it is gone. SIGKILL: tgtd ignores SIGTERM while it has targets. */
  async stop(): Promise<void> {
    if (!this.running) return;
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await closed;
  }

  #notify(): void {
    for (const look of this.#watchers) look();
  }
}

const alive = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});
// vitest was killed: its worker, this process, would run on alone or die without the event above
process.once('disconnect', () => process.exit(1));
process.once('SIGTERM', () => process.exit(1));

function launch(
  command: string,
  args: string[],
  stdio: StdioOptions,
  env?: Record<string, string>,
): ChildProcess {
  const child = spawn(command, args, { stdio, env: { ...peerEnvironment, ...env } });
  alive.add(child);
  child.once('close', () => alive.delete(child));
  child.once('error', (error) => {
    throw new Error(`${command} could not be started: ${error.message}`);
  });
  return child;
}
