import { PduReader } from '../../../src/iscsi/pduReader.ts';
import type { Digests, Pdu } from '../../../src/iscsi/pdu.ts';

/** What the target's data is filled with. */
export const READ = 0xbb;

/** The logical units of the model's array; where the policy hides any, it leaves two. */
export const LUN_LIST = Buffer.from(
  `0000002000000000${['0000', '0005', '4001', '0006'].map((hex) => hex.padEnd(16, '0')).join('')}`,
  'hex',
);
export const VISIBLE_LUN_LIST = '000000100000000000000000000000004001000000000000';

/** Not `expect`: it is asked millions of times. */
export function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

export function isFilledWith(data: Buffer, byte: number): boolean {
  return data.every((value) => value === byte);
}

/** Numbers from a seed (mulberry32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 to below `end`. */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * end);
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }
}

/** One side's bytes: PDUs that wait to be sent in whatever chunks, and PDUs out of whatever chunks came. */
export class Wire {
  readonly #reader: PduReader;
  readonly #dice: Dice;
  #unsent: Buffer[] = [];
  /** Bytes in all that were to be sent, and that were. */
  sent = 0;
  taken = 0;

  constructor(dice: Dice, digests: Digests) {
    const limits = { maxAhsLength: 0, maxDataSegmentLength: 1 << 16 };
    this.#dice = dice;
    this.#reader = new PduReader(limits);
    this.#reader.configure({ digests, limits });
  }

  send(bytes: Buffer): void {
    this.#unsent.push(bytes);
    this.sent += bytes.length;
  }

  get hasUnsent(): boolean {
    return this.#unsent.length > 0;
  }

  /** Some of what waits, from one byte to all of it. */
  chunk(): Buffer {
    const all = this.#unsent.length === 1 ? this.#unsent[0]! : Buffer.concat(this.#unsent);
    const some = this.#dice.below(this.#dice.pick([60, 2000, 20000]));
    const length = Math.min(all.length, 1 + some);
    this.taken += length;
    this.#unsent = length === all.length ? [] : [all.subarray(length)];
    return Buffer.from(all.subarray(0, length));
  }

  receive(view: Buffer): void {
    this.#reader.push(Buffer.from(view));
  }

  *received(): Generator<Pdu> {
    for (let pdu = this.#reader.next(); pdu !== undefined; pdu = this.#reader.next()) yield pdu;
  }

  get isAtBoundary(): boolean {
    return this.#reader.buffered === 0;
  }
}
