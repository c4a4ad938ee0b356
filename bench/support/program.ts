import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Resources } from '../../test/interop/support/resources.ts';

/** The checkout; this file runs compiled, from bench/dist/bench/support/. */
export const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

/** /proc counts CPU time in USER_HZ, which is 100 wherever Linux runs Node (proc(5)). */
const MICROSECONDS_PER_TICK = 10_000;

// tgtd lives where a login shell of an ordinary user does not look.
const environment = {
  ...process.env,
  PATH: [process.env['PATH'], '/usr/sbin', '/sbin'].join(path.delimiter),
  LC_ALL: 'C',
};

interface Launch {
  readonly env?: Record<string, string>;
  /** It is asked to end before it is made to: a profile is written at the end. */
  readonly gently?: boolean;
}

interface NodeOptions extends Launch {
  readonly flags?: readonly string[];
}

const GRACE_MS = 5000;

/** A program beside this one; every line that it writes is kept. It ends with us, whatever happens. */
export class Program {
  readonly name: string;
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #gently: boolean;
  readonly #watchers = new Set<() => void>();

  constructor(
    opened: Resources,
    command: string,
    args: readonly string[],
    { env, gently = false }: Launch = {},
  ) {
    this.#gently = gently;
    this.name = [path.basename(command), ...args].join(' ');
    // It dies with us even if we are killed; setpriv becomes the program and keeps its pid.
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', command, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...environment, ...env },
    });
    alive.add(this.#child);
    this.#child.once('error', (error) => this.#say(`could not be started: ${error.message}`));
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => this.#say(line));
    }
    this.#child.once('close', () => {
      alive.delete(this.#child);
      this.#notify();
    });
    opened.defer(() => this.stop());
  }

  /** A script of bench/processes/, in a Node of its own. */
  static script(opened: Resources, script: string, options: object, node: NodeOptions = {}): Program {
    const { flags = [], ...launch } = node;
    const file = fileURLToPath(new URL(`../processes/${script}.js`, import.meta.url));
    return new Program(opened, process.execPath, [...flags, file, JSON.stringify(options)], launch);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get running(): boolean {
    return alive.has(this.#child);
  }

  /** The first value that `match` finds in a line. @throws with the last lines, if the program ends or is silent for too long */
  async find<T>(match: (line: string) => T | undefined, what: string, seconds = 30): Promise<T> {
    const given = performance.now() + seconds * 1000;
    for (let next = 0; ;) {
      for (; next < this.lines.length; next++) {
        const found = match(this.lines[next]!);
        if (found !== undefined) return found;
      }
      const left = given - performance.now();
      if (!this.running || left <= 0) throw this.#failed(`no ${what}`);
      await this.#news(left);
    }
  }

  /** Waits until the program has ended by itself. @throws with its last lines unless the exit code is 0 */
  async succeeds(seconds: number): Promise<void> {
    const given = performance.now() + seconds * 1000;
    while (this.running) {
      const left = given - performance.now();
      if (left <= 0) throw this.#failed(`not done after ${seconds} s`);
      await this.#news(left);
    }
    if (this.#child.exitCode !== 0) throw this.#failed(`exit code ${this.#child.exitCode}`);
  }

  /** CPU time of all its threads since its start; of one that has ended undefined. */
  cpuMicroseconds(): number | undefined {
    try {
      return sum(this.#processes(), (pid) => {
        const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return (Number(fields[11]) + Number(fields[12])) * MICROSECONDS_PER_TICK;
      });
    } catch {
      return undefined;
    }
  }

  residentKiB(): number {
    return sum(this.#processes(), (pid) => {
      const [, kiB] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))!;
      return Number(kiB);
    });
  }

  /** It, and those that it has started: workers. */
  #processes(): number[] {
    const children = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'latin1');
    return [this.pid, ...children.split(' ').filter(Boolean).map(Number)];
  }

  /** SIGKILL, for tgtd ignores SIGTERM while it has targets. */
  async stop(): Promise<void> {
    if (!this.running) return;
    const closed = once(this.#child, 'close');
    if (this.#gently) this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), this.#gently ? GRACE_MS : 0);
    await closed;
    clearTimeout(timer);
  }

  #say(line: string): void {
    this.lines.push(line);
    this.#notify();
  }

  #notify(): void {
    for (const wake of this.#watchers) wake();
  }

  async #news(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#watchers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, milliseconds);
      this.#watchers.add(wake);
    });
  }

  #failed(why: string): Error {
    return new Error([`${this.name}: ${why}`, ...this.lines.slice(-15)].join('\n'));
  }
}

const alive = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

/** Runs a program to its end. @returns its lines @throws unless it succeeds */
export async function run(
  opened: Resources,
  command: string,
  args: readonly string[],
  options?: Launch,
): Promise<string[]> {
  const program = new Program(opened, command, args, options);
  await program.succeeds(60);
  return program.lines;
}

const sum = (pids: readonly number[], of: (pid: number) => number): number =>
  pids.reduce((all, pid) => all + of(pid), 0);
