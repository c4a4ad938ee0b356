const REDACTED = '[secret]';

/**
 * A CHAP secret's bytes, which show themselves to nobody who does not ask by name: not to `JSON.stringify`,
 * not to a template string, not to `util.inspect`.
 */
export class Secret {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = Uint8Array.from(bytes);
  }

  reveal(): Uint8Array {
    return this.#bytes;
  }

  get length(): number {
    return this.#bytes.length;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return REDACTED;
  }
}

/**
 * In the place of a secret that was not read, where nobody is to be authenticated. Whoever asks for it all the same gets an error,
 * not an empty secret that somebody could guess.
 */
class UnreadSecret extends Secret {
  constructor() {
    super(new Uint8Array());
  }

  override reveal(): never {
    throw new TypeError('this secret was not read');
  }

  override get length(): never {
    throw new TypeError('this secret was not read');
  }
}

export const UNREAD_SECRET: Secret = new UnreadSecret();
