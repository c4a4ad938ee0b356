import type { Socket } from 'node:net';
import {
  ahsLengthAt,
  BHS_LENGTH,
  dataSegmentLengthAt,
  flagsAt,
  Flag,
  Offset,
  opcodeAt,
  padded,
  u32At,
} from '../../src/iscsi/bhs.ts';
import { describeOpcode, Opcode } from '../../src/iscsi/opcode.ts';
import { serialAdd, serialBefore } from '../../src/iscsi/serialArithmetic.ts';
import type { Disk } from '../support/tgtd.ts';
import { logInRaw } from './logInRaw.ts';
import { Slot } from './slot.ts';
import type { Transfer } from './work.ts';

/** Byte 3 of a SCSI Response or of a Data-In with status. */
const STATUS = 3;
const GOOD = 0;

/**
 * One session that spends as little as it can on a command: PDUs are made beforehand and only numbered, answers are walked and
 * never copied. Digests are off. Whatever is not as expected ends it.
 */
export class RawSession {
  readonly #socket: Socket;
  readonly #slots: readonly Slot[];
  #cmdSN: number;
  #expStatSN: number;
  #maxCmdSN: number;
  /** A header that a chunk's end has cut. */
  #cut = Buffer.alloc(0);
  /** Bytes of data that still come before the next header. */
  #skip = 0;
  #completed = 0;
  #underWay = 0;
  #until = 0;
  #done = (_completed: number): void => {};
  #failed = (_error: Error): void => {};

  private constructor(
    socket: Socket,
    slots: readonly Slot[],
    numbers: { cmdSN: number; expStatSN: number; maxCmdSN: number },
  ) {
    this.#socket = socket;
    this.#slots = slots;
    this.#cmdSN = numbers.cmdSN;
    this.#expStatSN = numbers.expStatSN;
    this.#maxCmdSN = numbers.maxCmdSN;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (error) => this.#failed(error));
    socket.on('close', () => this.#failed(new Error('the target closed the connection')));
  }

  static async open(portal: string, disk: Disk, transfer: Transfer): Promise<RawSession> {
    const { socket, numbers, parameters } = await logInRaw(portal, disk);
    const slots = Array.from(
      { length: transfer.depth },
      (_, tag) => new Slot(tag, transfer, disk, parameters),
    );
    return new RawSession(socket, slots, numbers);
  }

  /**
   * Begins commands until the time has come (`performance.now()`), and waits for those under way.
   *
   * @returns how many were done
   */
  run(until: number): Promise<number> {
    this.#until = until;
    return new Promise((resolve, reject) => {
      this.#done = resolve;
      this.#failed = (error) => {
        this.#socket.destroy();
        reject(error);
      };
      this.#socket.cork();
      for (const slot of this.#slots) this.#begin(slot);
      this.#socket.uncork();
    });
  }

  close(): void {
    this.#failed = () => {};
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#socket.cork();
    try {
      this.#walk(chunk);
    } catch (error) {
      this.#failed(error as Error);
    }
    this.#socket.uncork();
  }

  #walk(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#cut.length > 0) {
      bytes = Buffer.concat([this.#cut, chunk]);
      this.#cut = Buffer.alloc(0);
    }
    let at = Math.min(this.#skip, bytes.length);
    this.#skip -= at;
    for (; bytes.length - at >= BHS_LENGTH && this.#skip === 0;) {
      this.#header(bytes, at);
      at += BHS_LENGTH;
      const data = Math.min(this.#skip, bytes.length - at);
      this.#skip -= data;
      at += data;
    }
    if (at < bytes.length) this.#cut = Buffer.from(bytes.subarray(at));
  }

  #header(bytes: Buffer, at: number): void {
    this.#skip = ahsLengthAt(bytes, at) + padded(dataSegmentLengthAt(bytes, at));
    const opcode = opcodeAt(bytes, at);
    this.#maxCmdSN = u32At(bytes, at + Offset.maxCmdSN);
    if (opcode === Opcode.dataIn) {
      if ((flagsAt(bytes, at) & Flag.status) !== 0) this.#complete(bytes, at);
    } else if (opcode === Opcode.scsiResponse) {
      this.#complete(bytes, at);
    } else if (opcode === Opcode.r2t) {
      this.#socket.write(this.#slotAt(bytes, at).dataFor(bytes, at, this.#expStatSN));
    } else {
      throw new Error(`the target sent ${describeOpcode(opcode)}`);
    }
  }

  #complete(bytes: Buffer, at: number): void {
    const status = bytes[at + STATUS]!;
    if (status !== GOOD) throw new Error(`a command ended with status ${status}`);
    this.#expStatSN = serialAdd(u32At(bytes, at + Offset.statSN), 1);
    this.#completed++;
    this.#underWay--;
    const slot = this.#slotAt(bytes, at);
    if (performance.now() < this.#until) this.#begin(slot);
    else if (this.#underWay === 0) this.#done(this.#completed);
  }

  #begin(slot: Slot): void {
    if (serialBefore(this.#maxCmdSN, this.#cmdSN))
      throw new Error("the target's window is narrower than the depth");
    this.#socket.write(slot.command(this.#cmdSN, this.#expStatSN));
    this.#cmdSN = serialAdd(this.#cmdSN, 1);
    this.#underWay++;
  }

  #slotAt(bytes: Buffer, at: number): Slot {
    const tag = u32At(bytes, at + Offset.initiatorTaskTag);
    const slot = this.#slots[tag];
    if (slot === undefined) throw new Error(`the target answers task ${tag}, which there is not`);
    return slot;
  }
}
