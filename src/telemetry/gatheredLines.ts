import type { DestinationStream } from 'pino';

/** Nobody reads a log faster. */
const GATHER_MS = 10;

/**
 * Passes lines on a moment later, together with those that came meanwhile: each write has a thread wake up and this
 * one wake up again, which costs more than the line does.
 */
export class GatheredLines implements DestinationStream {
  readonly #to: DestinationStream;
  #lines = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(to: DestinationStream) {
    this.#to = to;
  }

  write(line: string): void {
    this.#lines += line;
    this.#timer ??= setTimeout(() => this.pass(), GATHER_MS).unref();
  }

  /** What waits goes out now, and to somebody else if told. */
  pass(to: DestinationStream = this.#to): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#lines;
    this.#lines = '';
    if (lines !== '') to.write(lines);
  }
}
