const NONE = -1;
/** 2^32 divided by the golden ratio: tags that count upwards spread over the whole table (Knuth, TAOCP 3, 6.4). */
const SPREAD = 0x9e3779b1 | 0;

/**
 * Records of a few numbers each, found by a 32-bit tag: an open-addressing table on flat arrays, so that nothing is allocated and
 * nothing is left to the garbage collector at a PDU. It grows by doubling, up to a bound.
 */
export class TagTable {
  /** Field f of record r is at `r * width + f`. Replaced when the table grows: read it anew after `add`. */
  fields: Float64Array;
  readonly #width: number;
  readonly #max: number;
  #tags: Int32Array;
  #isLive: Uint8Array;
  /** Record + 1; 0 where there is none. At least twice as long as there are records. */
  #slots: Int32Array;
  #free: Int32Array;
  #freeCount = 0;
  #shift = 0;

  /**
   * @param width fields of a record
   * @param capacity records to begin with, a power of two
   * @param max the most that there can be, a power of two
   */
  constructor(width: number, capacity: number, max: number) {
    this.#width = width;
    this.#max = max;
    this.fields = new Float64Array(0);
    this.#tags = new Int32Array(0);
    this.#isLive = new Uint8Array(0);
    this.#slots = new Int32Array(0);
    this.#free = new Int32Array(0);
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
    const slots = this.#slots;
    const tags = this.#tags;
    const wanted = tag | 0;
    const mask = slots.length - 1;
    let slot = Math.imul(wanted, SPREAD) >>> this.#shift;
    for (;;) {
      const record = slots[slot]! - 1;
      if (record === NONE || tags[record] === wanted) return record;
      slot = (slot + 1) & mask;
    }
  }

  /**
   * Makes a record for a tag that has none; its fields hold whatever was there before.
   *
   * @returns the record, or -1 if there is no place
   */
  add(tag: number): number {
    if (this.#freeCount === 0) {
      if (this.capacity >= this.#max) return NONE;
      this.#resize(2 * this.capacity);
    }
    const record = this.#free[--this.#freeCount]!;
    this.#tags[record] = tag;
    this.#isLive[record] = 1;
    this.#place(record);
    return record;
  }

  /** The record of `find` or `add` is over. */
  remove(record: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let hole = this.#homeOf(record);
    while (slots[hole] !== record + 1) hole = (hole + 1) & mask;
    // Those behind it move up, unless that would take them before the place where looking for them begins.
    for (let slot = (hole + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.#homeOf(slots[slot]! - 1);
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      slots[hole] = slots[slot]!;
      hole = slot;
    }
    slots[hole] = 0;
    this.#isLive[record] = 0;
    this.#free[this.#freeCount++] = record;
  }

  isLive(record: number): boolean {
    return this.#isLive[record] === 1;
  }

  #homeOf(record: number): number {
    return Math.imul(this.#tags[record]!, SPREAD) >>> this.#shift;
  }

  #place(record: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = this.#homeOf(record);
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = record + 1;
  }

  #resize(capacity: number): void {
    const before = this.capacity;
    const fields = new Float64Array(capacity * this.#width);
    fields.set(this.fields);
    this.fields = fields;
    const tags = new Int32Array(capacity);
    tags.set(this.#tags);
    this.#tags = tags;
    const isLive = new Uint8Array(capacity);
    isLive.set(this.#isLive);
    this.#isLive = isLive;
    this.#free = new Int32Array(capacity);
    for (let record = capacity - 1; record >= before; record--) this.#free[this.#freeCount++] = record;
    this.#slots = new Int32Array(2 * capacity);
    this.#shift = Math.clz32(2 * capacity - 1);
    for (let record = 0; record < before; record++) if (isLive[record] === 1) this.#place(record);
  }
}
