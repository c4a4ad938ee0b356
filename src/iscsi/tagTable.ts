import { SPREAD_KEY, spreadTag } from './tagSpread.ts';

const NONE = -1;

/**
 * Records of a few numbers each, found by a 32-bit tag: an open-addressing table on flat arrays, so that nothing is allocated and
 * nothing is left to the garbage collector at a PDU. It grows by doubling, up to a bound.
 */
export class TagTable {
  /** Whole numbers of 32 bits: field f of record r is at `r * width + f`. Replaced when the table grows: read it anew after `put`. */
  whole: Int32Array = new Int32Array(0);
  /** As `whole`, for other numbers. */
  real: Float64Array = new Float64Array(0);
  /** True if the last `put` made its record. */
  isNew = false;
  readonly #wholeWidth: number;
  readonly #realWidth: number;
  readonly #max: number;
  #tags = new Int32Array(0);
  /** Record + 1; 0 where there is none. Twice as long as there can be records. */
  #slots = new Int32Array(0);
  /** Where each record stands in it; -1 for one that is free. */
  #slotOf = new Int32Array(0);
  #free = new Int32Array(0);
  #freeCount = 0;
  #shift = 0;

  /**
   * @param wholeWidth fields of a record in `whole`
   * @param realWidth and in `real`
   * @param capacity records to begin with, a power of two
   * @param max the most that there can be, a power of two
   */
  constructor(wholeWidth: number, realWidth: number, capacity: number, max: number) {
    this.#wholeWidth = wholeWidth;
    this.#realWidth = realWidth;
    this.#max = max;
    this.#resize(capacity);
  }

  /** How many records there can be without growing. */
  get capacity(): number {
    return this.#tags.length;
  }

  get size(): number {
    return this.capacity - this.#freeCount;
  }

  /** @returns the record, or -1 */
  find(tag: number): number {
    return this.#slots[this.#slotFor(tag | 0)]! - 1;
  }

  /**
   * Finds the record or makes one, whose fields hold whatever was there before; `isNew` tells which.
   *
   * @returns the record, or -1 if there is no place
   */
  put(tag: number): number {
    const wanted = tag | 0;
    let slot = this.#slotFor(wanted);
    const known = this.#slots[slot]! - 1;
    this.isNew = known === NONE;
    if (known !== NONE) return known;
    if (this.#freeCount === 0) {
      if (this.capacity >= this.#max) return NONE;
      this.#resize(2 * this.capacity);
      slot = this.#slotFor(wanted);
    }
    const record = this.#free[--this.#freeCount]!;
    this.#tags[record] = wanted;
    this.#slots[slot] = record + 1;
    this.#slotOf[record] = slot;
    return record;
  }

  /** The record of `find` or `put` is over. */
  remove(record: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let hole = this.#slotOf[record]!;
    // Those behind it move up, unless that would take them before the place where looking for them begins.
    for (let slot = (hole + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const moving = slots[slot]! - 1;
      const home = spreadTag(this.#tags[moving]!, SPREAD_KEY) >>> this.#shift;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      slots[hole] = moving + 1;
      this.#slotOf[moving] = hole;
      hole = slot;
    }
    slots[hole] = 0;
    this.#slotOf[record] = NONE;
    this.#free[this.#freeCount++] = record;
  }

  isLive(record: number): boolean {
    return this.#slotOf[record] !== NONE;
  }

  /** The slot in which this tag's record stands, or the empty one in which it would. */
  #slotFor(tag: number): number {
    const slots = this.#slots;
    const tags = this.#tags;
    const mask = slots.length - 1;
    let slot = spreadTag(tag, SPREAD_KEY) >>> this.#shift;
    for (;;) {
      const record = slots[slot]! - 1;
      if (record === NONE || tags[record] === tag) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #resize(capacity: number): void {
    const before = this.capacity;
    this.whole = grown(this.whole, new Int32Array(capacity * this.#wholeWidth));
    this.real = grown(this.real, new Float64Array(capacity * this.#realWidth));
    this.#tags = grown(this.#tags, new Int32Array(capacity));
    this.#free = new Int32Array(capacity);
    for (let record = capacity - 1; record >= before; record--) this.#free[this.#freeCount++] = record;
    this.#shift = Math.clz32(2 * capacity - 1);
    this.#slots = new Int32Array(2 * capacity);
    const slotOf = new Int32Array(capacity).fill(NONE);
    // It grows when it is full: every record that there was is live.
    for (let record = 0; record < before; record++) {
      const slot = this.#slotFor(this.#tags[record]!);
      this.#slots[slot] = record + 1;
      slotOf[record] = slot;
    }
    this.#slotOf = slotOf;
  }
}

function grown<T extends Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
