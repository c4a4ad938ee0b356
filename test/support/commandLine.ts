import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** What `npm test` has built. */
const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

interface Options {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Exit {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `sangate` as a process of its own; it is killed when the test is over. */
export class CommandLine {
  readonly child: ChildProcessWithoutNullStreams;
  #stdout = '';
  #stderr = '';
  #onOutput: (() => void)[] = [];
  readonly #closed: Promise<number | null>;

  constructor(args: readonly string[], { cwd, env }: Options = {}) {
    this.child = spawn(process.execPath, [MAIN, ...args], {
      env: { ...process.env, NO_COLOR: '1', ...env },
      ...(cwd !== undefined && { cwd }),
    });
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
      this.#wake();
    });
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
      this.#wake();
    });
    this.#closed = once(this.child, 'close').then(([code]) => {
      this.#wake();
      return code as number | null;
    });
    onTestFinished(() => void this.child.kill('SIGKILL'));
  }

  /** Waits for a line of the log that says this, and gives it. */
  async log(message: string): Promise<Record<string, unknown>> {
    for (;;) {
      for (const line of this.#stderr.split('\n').slice(0, -1)) {
        if (!line.startsWith('{')) continue;
        const entry = JSON.parse(line) as Record<string, unknown>;
        if (entry['msg'] === message) return entry;
      }
      if (this.child.exitCode !== null) throw new Error(`no "${message}" in the log:\n${this.#stderr}`);
      await new Promise<void>((resolve) => this.#onOutput.push(resolve));
    }
  }

  async exit(): Promise<Exit> {
    const code = await this.#closed;
    return { code, stdout: this.#stdout, stderr: this.#stderr };
  }

  #wake(): void {
    for (const wake of this.#onOutput.splice(0)) wake();
  }
}

/** Runs a command line to its end. */
export function sangate(args: readonly string[], options?: Options): Promise<Exit> {
  return new CommandLine(args, options).exit();
}
