import { emitKeypressEvents } from 'node:readline';
import type { Size } from './lines.ts';
import type { Key } from './view.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Alternate screen, no cursor, no wrapping at the right; and all of that back. */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';

export interface ScreenOptions {
  readonly onKey: (key: Key) => void;
  /** The window has another size, or is ours again. */
  readonly onRedraw: () => void;
}

/** The terminal for as long as a live view has it. However the process ends, short of SIGKILL, it is as it was before. */
export class Screen {
  readonly #options: ScreenOptions;
  #isOurs = false;

  constructor(options: ScreenOptions) {
    this.#options = options;
    emitKeypressEvents(process.stdin);
    process.stdin.on('keypress', this.#onKeypress);
    process.stdin.on('end', this.#onEnd);
    process.stdout.on('resize', options.onRedraw);
    process.on('exit', this.#leave);
    process.on('uncaughtExceptionMonitor', this.#leave);
    process.on('SIGCONT', this.#onContinue);
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
    this.#enter();
  }

  get size(): Size {
    return { columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 };
  }

  /** @param lines no longer than the window is wide, as many as it has */
  draw(lines: readonly string[]): void {
    if (!this.#isOurs) return;
    // Cleared first: behind a full line the cursor still stands on its last character.
    process.stdout.write(`${HOME}${lines.map((line) => `${CLEAR_LINE}${line}`).join('\r\n')}`);
  }

  close(): void {
    this.#leave();
    process.stdin.off('keypress', this.#onKeypress);
    process.stdin.off('end', this.#onEnd);
    process.stdout.off('resize', this.#options.onRedraw);
    process.off('exit', this.#leave);
    process.off('uncaughtExceptionMonitor', this.#leave);
    process.off('SIGCONT', this.#onContinue);
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
  }

  #enter(): void {
    this.#isOurs = true;
    process.stdin.setRawMode(true);
    process.stdin.resume();
    process.stdout.write(ENTER);
  }

  readonly #leave = (): void => {
    if (!this.#isOurs) return;
    this.#isOurs = false;
    process.stdout.write(LEAVE);
    process.stdin.setRawMode(false);
    process.stdin.pause();
  };

  readonly #onKeypress = (_: unknown, key: Key): void => {
    if (key.ctrl === true && key.name === 'z') {
      this.#leave();
      process.kill(process.pid, 'SIGTSTP');
    } else {
      this.#options.onKey(key);
    }
  };

  readonly #onContinue = (): void => {
    if (!this.#isOurs) this.#enter();
    this.#options.onRedraw();
  };

  /** The terminal has gone. */
  readonly #onEnd = (): void => this.#options.onKey({ name: 'c', ctrl: true });

  /** Dies of it, as it would have without us. */
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    this.close();
    process.kill(process.pid, signal);
  };
}
