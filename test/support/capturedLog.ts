import type { DestinationStream } from 'pino';
import { createLog, type Logger } from '../../src/telemetry/log.ts';

/** One line of the log, as it would stand on standard error. */
export type LogLine = Readonly<Record<string, unknown>>;

/** The process log of a gateway or stub under test. */
export class CapturedLog implements DestinationStream {
  readonly logger: Logger = createLog('debug', this);
  #text = '';
  #lines: LogLine[] = [];
  #onLine: (() => void)[] = [];

  write(line: string): void {
    this.#text += line;
    this.#lines.push(JSON.parse(line) as LogLine);
    for (const wake of this.#onLine.splice(0)) wake();
  }

  /** All that was ever written. */
  get text(): string {
    return this.#text;
  }

  /** Lines since the start or the last `forget`. */
  get lines(): readonly LogLine[] {
    return this.#lines;
  }

  /** Lets a test that shares the log begin with no lines. */
  forget(): void {
    this.#lines = [];
  }

  /** The first line that has these fields; waits until it is written. */
  async line(fields: LogLine): Promise<LogLine> {
    for (;;) {
      const found = this.#lines.find((line) =>
        Object.entries(fields).every(([key, value]) => line[key] === value),
      );
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#onLine.push(resolve));
    }
  }
}
