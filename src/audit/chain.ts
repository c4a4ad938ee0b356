import { createHash } from 'node:crypto';
import type { UnchainedLine } from './entry.ts';

/** A line's place in the chain: its number, from 1 over all files, and its hash. */
export interface Link {
  readonly seq: number;
  /** SHA-256, lower-case hex. */
  readonly hash: string;
}

/** What line 1 follows. */
export const GENESIS: Link = { seq: 0, hash: '0'.repeat(64) };

/** Longer than any line that is written; what is longer is none. */
export const MAX_LINE = 65_536;

/**
 * Gives a line its place behind `previous`. The hash is over the very bytes that stand before it, so that a verifier needs no
 * canonical form of JSON: all up to `,"hash":`, and `"prev"` is among them.
 *
 * @returns one line with its newline, in ASCII alone: no terminal, editor or transport has anything to interpret in it
 */
export function seal(line: UnchainedLine, previous: Link): { readonly text: string; readonly link: Link } {
  const seq = previous.seq + 1;
  const chained = { ...line, sangate: { ...line.sangate, chain: { seq, prev: previous.hash } } };
  const covered = ascii(JSON.stringify(chained)).slice(0, -'}}}'.length);
  const hash = sha256(covered);
  return { text: `${covered}${HASH_KEY}${hash}${END}\n`, link: { seq, hash } };
}

export interface SealedLine extends Link {
  /** Hash of the line before, as this line says. */
  readonly prev: string;
}

/**
 * Reads a line's place in the chain.
 *
 * @param line its bytes, without the newline
 * @returns undefined if it is no line of a trail, or if its own hash is not that of its bytes
 */
export function unseal(line: Uint8Array): SealedLine | undefined {
  const at = line.length - TAIL_LENGTH;
  if (at < 0 || line.length > MAX_LINE) return undefined;
  const tail = TAIL.exec(latin1(line.subarray(at)));
  const covered = line.subarray(0, at);
  if (tail === null || sha256(covered) !== tail[1]) return undefined;
  const place = PLACE.exec(latin1(covered.subarray(-PLACE_LENGTH)));
  return place === null ? undefined : { seq: Number(place[1]), prev: place[2]!, hash: tail[1] };
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

const HASH_KEY = ',"hash":"';
const END = '"}}}';
const TAIL_LENGTH = HASH_KEY.length + 64 + END.length;
const TAIL = /^,"hash":"([0-9a-f]{64})"\}\}\}$/;
const PLACE = /,"chain":\{"seq":([1-9]\d{0,14}),"prev":"([0-9a-f]{64})"$/;
const PLACE_LENGTH = 128;

function ascii(json: string): string {
  return json.replaceAll(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
