/** Initiators speak first, and at once. */
const SILENCE_MS = 500;

/**
 * The PROXY header, which goes in one record with the initiator's first bytes. If it says nothing the header goes alone, and the
 * gateway starts the clock of the login.
 */
export class Announcement {
  #header: Buffer | undefined;
  readonly #timer: NodeJS.Timeout;

  /** @param write sends what comes before all else */
  constructor(header: Buffer, write: (header: Buffer) => void) {
    this.#header = header;
    this.#timer = setTimeout(() => {
      this.#header = undefined;
      write(header);
    }, SILENCE_MS).unref();
  }

  /** What is to be sent in place of these bytes. */
  before(bytes: Buffer): Buffer {
    if (this.#header === undefined) return bytes;
    const both = Buffer.concat([this.#header, bytes]);
    this.cancel();
    return both;
  }

  /** Nothing more is to be sent. */
  cancel(): void {
    clearTimeout(this.#timer);
    this.#header = undefined;
  }
}
