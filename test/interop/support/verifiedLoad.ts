import { randomInt } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { open } from 'node:fs/promises';
import { DATA_PATHS, type ScsiCommand, type WritingInitiator } from './writingInitiator.ts';

const BLOCK = 512;
const DEPTH = 16;
/** Commands that are under way at once never share a cell, so which write was the last one is never in doubt. */
const CELLS = 32;
const CELL_BLOCKS = 512;
/** In blocks: from the smallest to what takes several R2Ts. */
const SIZES = [1, 8, 32, 128, 512] as const;
/** What may go unsolicited: the target's FirstBurstLength, 64 KiB. */
const UNSOLICITED_BLOCKS = 128;

/** What one load needs of the disk. */
export const SHARE_BYTES = CELLS * CELL_BLOCKS * BLOCK;

interface Extent {
  /** From the beginning of the share. */
  readonly first: number;
  readonly count: number;
}

/**
 * One session's load on a share of a disk that is empty at first: reads and writes of all sizes, 16 of them under way at any time.
 * Each block that is written says whose it is, where it stands and which write it was; what is read must be what was written last.
 */
export class VerifiedLoad {
  readonly #initiator: WritingInitiator;
  readonly #session: number;
  readonly #base: number;
  /** For each block of the share the number of the write that was acknowledged last; 0 for none. */
  readonly #written = new Uint32Array(CELLS * CELL_BLOCKS);
  /** Writes that nobody has acknowledged, by their number: when the session has ended, each may have been done or not. */
  readonly #open = new Map<number, Extent>();
  readonly #free = Array.from({ length: CELLS }, (_, cell) => cell);
  readonly #events = new EventEmitter();
  #writes = 0;
  #commands = 0;
  #isStopping = false;
  #workers: Promise<unknown> = Promise.resolve();

  /** @param session its number, which is the number of its share too */
  constructor(initiator: WritingInitiator, session: number) {
    this.#initiator = initiator;
    this.#session = session;
    this.#base = session * CELLS * CELL_BLOCKS;
  }

  start(): void {
    this.#workers = Promise.all(Array.from({ length: DEPTH }, () => this.#work()));
    this.#workers.catch(() => {}); // whoever waits hears of it, and `stop` tells
  }

  /** Commands that have succeeded. */
  get commands(): number {
    return this.#commands;
  }

  /** Waits until so many more commands have succeeded. @throws what went wrong with one */
  async progress(commands: number): Promise<void> {
    const until = this.#commands + commands;
    await Promise.race([this.#workers, this.#reaches(until)]);
    if (this.#commands < until) throw new Error('the load has stopped');
  }

  /** Begins no more commands, and waits for those under way. @throws what went wrong with one */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#workers;
  }

  /** Reads the whole share. @throws where it is not what was written last */
  async readBack(): Promise<void> {
    for (let first = 0; first < this.#written.length; first += CELL_BLOCKS) {
      await this.#read({ first, count: CELL_BLOCKS });
    }
  }

  /** Holds the share in the target's backing file against what was acknowledged. @returns what is wrong with it */
  async faultsIn(file: string): Promise<string[]> {
    const handle = await open(file);
    const { buffer: share } = await handle.read(
      Buffer.alloc(SHARE_BYTES),
      0,
      SHARE_BYTES,
      this.#base * BLOCK,
    );
    await handle.close();
    const maybe = new Map<number, number>();
    for (const [write, { first, count }] of this.#open) {
      for (let block = first; block < first + count; block++) maybe.set(block, write);
    }
    return Array.from(this.#written).flatMap((write, block) => {
      const found = share.subarray(block * BLOCK, (block + 1) * BLOCK);
      const allowed = [write, ...(maybe.has(block) ? [maybe.get(block)!] : [])];
      const isRight = allowed.some((one) => found.equals(this.#contents(block, one)));
      return isRight ? [] : [this.#fault(block, allowed, found)];
    });
  }

  async #work(): Promise<void> {
    while (!this.#isStopping) {
      const [cell] = this.#free.splice(randomInt(this.#free.length), 1);
      const count = SIZES[randomInt(SIZES.length)]!;
      const extent = { first: cell! * CELL_BLOCKS + randomInt(CELL_BLOCKS - count + 1), count };
      if (randomInt(2) === 0) await this.#read(extent);
      else await this.#write(extent);
      this.#free.push(cell!);
      this.#commands++;
      this.#events.emit('command');
    }
  }

  async #reaches(commands: number): Promise<void> {
    while (this.#commands < commands) await once(this.#events, 'command');
  }

  async #write(extent: Extent): Promise<void> {
    const { first, count } = extent;
    const write = ++this.#writes;
    const dataOut = Buffer.alloc(count * BLOCK);
    for (let i = 0; i < count; i++) this.#stamp(dataOut, i, first + i, write);
    this.#open.set(write, extent);
    const path = count <= UNSOLICITED_BLOCKS ? DATA_PATHS[randomInt(DATA_PATHS.length)]! : 'solicited';
    await this.#execute({ cdb: this.#cdb(WRITE_16, extent), dataOut, path });
    this.#open.delete(write);
    this.#written.fill(write, first, first + count);
  }

  async #read(extent: Extent): Promise<void> {
    const { first, count } = extent;
    const data = await this.#execute({ cdb: this.#cdb(READ_16, extent), readLength: count * BLOCK });
    for (let block = first, at = 0; block < first + count; block++, at += BLOCK) {
      const write = this.#written[block]!;
      const found = data.subarray(at, at + BLOCK);
      if (!found.equals(this.#contents(block, write))) throw new Error(this.#fault(block, [write], found));
    }
  }

  async #execute(command: ScsiCommand): Promise<Buffer> {
    const { status, sense, residual, data } = await this.#initiator.execute(command);
    if (status === 0 && residual === 0) return data;
    const what = command.cdb.toString('hex');
    throw new Error(
      `session ${this.#session}: ${what}: status ${status}, sense ${sense}, residual ${residual}`,
    );
  }

  #cdb(operationCode: number, { first, count }: Extent): Buffer {
    const cdb = Buffer.alloc(16);
    cdb[0] = operationCode;
    cdb.writeBigUInt64BE(BigInt(this.#base + first), 2);
    cdb.writeUInt32BE(count, 10);
    return cdb;
  }

  #contents(block: number, write: number): Buffer {
    const contents = Buffer.alloc(BLOCK);
    if (write > 0) this.#stamp(contents, 0, block, write);
    return contents;
  }

  /** Session, LBA and number of the write, and then words that are different in every block. */
  #stamp(data: Buffer, index: number, block: number, write: number): void {
    const words = new Uint32Array(data.buffer, data.byteOffset + index * BLOCK, BLOCK / 4);
    const lba = this.#base + block;
    const seed = Math.imul(lba, 0x9e3779b1) ^ Math.imul(write, 0x85ebca6b);
    for (let i = 3; i < words.length; i++) words[i] = seed + Math.imul(i, 0xc2b2ae35);
    words.set([this.#session, lba, write]);
  }

  #fault(block: number, allowed: readonly number[], found: Buffer): string {
    const [session, lba, write] = new Uint32Array(found.buffer, found.byteOffset, 3);
    return (
      `session ${this.#session}: at LBA ${this.#base + block} write ${allowed.join(' or ')} was the last, ` +
      `but there is session ${session}, LBA ${lba}, write ${write}`
    );
  }
}

const READ_16 = 0x88;
const WRITE_16 = 0x8a;
