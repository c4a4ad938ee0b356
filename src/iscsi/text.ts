import { ProtocolError } from './protocolError.ts';

/** One `key=value`, in the order in which it came. */
export type TextPair = readonly [key: string, value: string];

/** Keys of one negotiation message; a key stands at most once (RFC 7143 §6.2). */
export type TextKeys = ReadonlyMap<string, string>;

/** RFC 7143 §6.1: a key name has at most 63 bytes, a value at most 255 unless the key says otherwise. */
const MAX_KEY_LENGTH = 63;
const MAX_VALUE_LENGTH = 255;

/** What a negotiation message may hold before the peer is known (RFC 7143 §6.2: at least 8192 is to be taken). */
export const MAX_TEXT_LENGTH = 8192;

// CHAP_C and CHAP_R carry up to 1024 bytes (RFC 7143 §12.1.3), as 0x and two digits each.
const LONG_VALUES = new Map([
  ['CHAP_C', 2 + 2 * 1024],
  ['CHAP_R', 2 + 2 * 1024],
]);
const MAX_PAIRS = 1024;
/** A record of SendTargets has two pairs or more, and arrays have thousands of targets. */
export const MAX_RECORD_PAIRS = 65536;
// `#` stands in public extension keys such as X#NodeArchitecture (RFC 4850).
const KEY = /^[A-Za-z][A-Za-z0-9.+@_#-]*$/;
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Splits a text data segment into its pairs. Repeated keys are kept: SendTargets answers consist of them.
 *
 * @param maxPairs the most pairs that are taken
 * @throws ProtocolError `bad_text`, `key_too_long`, `value_too_long` or `too_many_keys`
 */
export function parsePairs(data: Uint8Array, maxPairs = MAX_PAIRS): TextPair[] {
  const pairs: TextPair[] = [];
  let start = 0;
  while (start < data.length) {
    const end = data.indexOf(0, start);
    if (end < 0) throw new ProtocolError('bad_text', 'the last key=value does not end in a zero byte');
    if (end > start) {
      if (pairs.length === maxPairs) throw new ProtocolError('too_many_keys', `more than ${maxPairs} keys`);
      pairs.push(parsePair(data.subarray(start, end)));
    }
    start = end + 1;
  }
  return pairs;
}

/**
 * Reads one negotiation message.
 *
 * @throws ProtocolError as parsePairs, and `duplicate_key`
 */
export function parseKeys(data: Uint8Array): TextKeys {
  const keys = new Map<string, string>();
  for (const [key, value] of parsePairs(data)) {
    if (keys.has(key)) throw new ProtocolError('duplicate_key', `${key} came twice`);
    keys.set(key, value);
  }
  return keys;
}

/** Writes pairs as a text data segment, each ended by a zero byte. */
export function encodeText(pairs: Iterable<TextPair>): Buffer {
  let text = '';
  for (const [key, value] of pairs) text += `${key}=${value}\0`;
  return Buffer.from(text, 'utf8');
}

/**
 * Collects a message that comes in several PDUs (C=1, RFC 7143 §6.2) under a bound on bytes and on pieces.
 */
export class TextAssembler {
  readonly #maxLength: number;
  readonly #maxPieces: number;
  #pieces: Uint8Array[] = [];
  #length = 0;

  constructor(limits: { maxLength: number; maxPieces: number }) {
    this.#maxLength = limits.maxLength;
    this.#maxPieces = limits.maxPieces;
  }

  /**
   * @param continues the PDU's C bit
   * @returns the whole message once its last piece is there
   * @throws ProtocolError `text_too_long` or `too_many_pieces`
   */
  add(piece: Uint8Array, continues: boolean): Buffer | undefined {
    this.#length += piece.length;
    if (this.#length > this.#maxLength) {
      throw new ProtocolError(
        'text_too_long',
        `a negotiation message may have at most ${this.#maxLength} bytes`,
      );
    }
    if (this.#pieces.length >= this.#maxPieces) {
      throw new ProtocolError(
        'too_many_pieces',
        `a negotiation message may come in at most ${this.#maxPieces} pieces`,
      );
    }
    this.#pieces.push(piece);
    if (continues) return undefined;
    const whole = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#length = 0;
    return whole;
  }

  get isCollecting(): boolean {
    return this.#pieces.length > 0;
  }
}

function parsePair(bytes: Uint8Array): TextPair {
  const equals = bytes.indexOf(0x3d);
  if (equals < 0) throw new ProtocolError('bad_text', 'a key without "="');
  if (equals > MAX_KEY_LENGTH) {
    throw new ProtocolError(
      'key_too_long',
      `a key may have at most ${MAX_KEY_LENGTH} bytes, this has ${equals}`,
    );
  }
  const key = Buffer.from(bytes.buffer, bytes.byteOffset, equals).toString('latin1');
  if (!KEY.test(key)) throw new ProtocolError('bad_text', `${JSON.stringify(key)} is not a key`);
  const length = bytes.length - equals - 1;
  const limit = LONG_VALUES.get(key) ?? MAX_VALUE_LENGTH;
  if (length > limit) {
    throw new ProtocolError(
      'value_too_long',
      `the value of ${key} may have at most ${limit} bytes, this has ${length}`,
    );
  }
  return [key, decodeValue(key, bytes.subarray(equals + 1))];
}

function decodeValue(key: string, bytes: Uint8Array): string {
  let value: string;
  try {
    value = utf8.decode(bytes);
  } catch {
    throw new ProtocolError('bad_text', `the value of ${key} is not UTF-8`);
  }
  if (CONTROL.test(value)) throw new ProtocolError('bad_text', `the value of ${key} has a control character`);
  return value;
}
