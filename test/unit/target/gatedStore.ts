import { MemoryStore } from '../../../src/target/memoryStore.ts';

/** A memory disk whose reads and writes wait until the test lets them go on. */
export class GatedStore extends MemoryStore {
  /** What was begun, in order: `read 0+512`. */
  readonly begun: string[] = [];
  #open: () => void = () => {};
  #gate: Promise<void> = Promise.resolve();
  #onBegun: (() => void)[] = [];

  shut(): void {
    this.#gate = new Promise((resolve) => (this.#open = resolve));
  }

  open(): void {
    this.#open();
  }

  /** Resolves when so many operations were begun. */
  async operations(count: number): Promise<void> {
    while (this.begun.length < count) await new Promise<void>((resolve) => this.#onBegun.push(resolve));
  }

  override async read(offset: number, length: number): Promise<Buffer> {
    await this.#pass(`read ${offset}+${length}`);
    return super.read(offset, length);
  }

  override async write(offset: number, data: Uint8Array): Promise<void> {
    await this.#pass(`write ${offset}+${data.length}`);
    return super.write(offset, data);
  }

  async #pass(operation: string): Promise<void> {
    this.begun.push(operation);
    for (const wake of this.#onBegun.splice(0)) wake();
    await this.#gate;
  }
}
