import { checkSize, type BackingStore } from './backingStore.ts';

const PAGE_LENGTH = 64 * 1024;

/** A disk in memory. Pages appear when they are first written, so a large disk costs nothing until it is used. */
export class MemoryStore implements BackingStore {
  readonly size: number;
  readonly readOnly = false;
  readonly #pages = new Map<number, Buffer>();

  /** @param size bytes, a multiple of 512 */
  constructor(size: number) {
    checkSize(size, 'memory disk');
    this.size = size;
  }

  /** Bytes of memory in use. */
  get allocated(): number {
    return this.#pages.size * PAGE_LENGTH;
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const data = Buffer.alloc(length);
    for (const part of parts(offset, length)) {
      this.#pages.get(part.page)?.copy(data, part.at, part.from, part.to);
    }
    return data;
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    for (const part of parts(offset, data.length)) {
      let page = this.#pages.get(part.page);
      if (page === undefined) {
        page = Buffer.alloc(PAGE_LENGTH);
        this.#pages.set(part.page, page);
      }
      page.set(data.subarray(part.at, part.at + part.to - part.from), part.from);
    }
  }

  async flush(): Promise<void> {}

  async discard(offset: number, length: number): Promise<void> {
    for (const part of parts(offset, length)) {
      if (part.to - part.from === PAGE_LENGTH) this.#pages.delete(part.page);
      else this.#pages.get(part.page)?.fill(0, part.from, part.to);
    }
  }

  async close(): Promise<void> {
    this.#pages.clear();
  }
}

interface Part {
  readonly page: number;
  /** Start in the caller's range. */
  readonly at: number;
  /** Start and end inside the page. */
  readonly from: number;
  readonly to: number;
}

function* parts(offset: number, length: number): Generator<Part> {
  const end = offset + length;
  for (let start = offset; start < end;) {
    const page = Math.floor(start / PAGE_LENGTH);
    const pageStart = page * PAGE_LENGTH;
    const stop = Math.min(end, pageStart + PAGE_LENGTH);
    yield { page, at: start - offset, from: start - pageStart, to: stop - pageStart };
    start = stop;
  }
}
