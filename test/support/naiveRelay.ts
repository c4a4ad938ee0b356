import type { Digests } from '../../src/iscsi/pdu.ts';
import { bodyLengthOf, headerLengthOf, naivePdus, naiveWire, withHeaderDigest } from './naiveCodec.ts';

const RESERVED_TAG = 0xffffffff;
const NONE = Buffer.alloc(0);
const DECLARATION = 'MaxRecvDataSegmentLength=';

export type Side = 'initiator' | 'target';

/**
 * What a relay should do, PDU by PDU and without a thought for speed: whole headers are taken out of a buffer, changed as RFC 7143
 * §3.2.2 wants and written anew. Knows neither bounds nor digests that are wrong.
 */
export class NaiveRelay {
  readonly output: Record<Side, Buffer> = { initiator: NONE, target: NONE };
  readonly #unread: Record<Side, Buffer> = { initiator: NONE, target: NONE };
  /** How much of the current PDU's body goes on as it comes. */
  readonly #passing: Record<Side, number> = { initiator: 0, target: 0 };
  readonly #digests: Digests;
  readonly #answers: ReadonlyMap<string, string>;
  #statSN: number;
  #expStatSN: number;
  #said: number;
  readonly #asked = new Map<number, { request: Buffer; answer: string }>();

  /** @param answers what the gateway answers to which text */
  constructor(digests: Digests, answers: ReadonlyMap<string, string>, statSN: number, expStatSN: number) {
    this.#digests = digests;
    this.#answers = answers;
    this.#statSN = statSN;
    this.#said = statSN;
    this.#expStatSN = expStatSN;
  }

  push(from: Side, chunk: Buffer): void {
    this.#unread[from] = Buffer.concat([this.#unread[from], chunk]);
    while (this.#step(from));
  }

  #step(from: Side): boolean {
    const to = from === 'initiator' ? 'target' : 'initiator';
    const passing = this.#take(from, Math.min(this.#passing[from], this.#unread[from].length));
    this.#passing[from] -= passing.length;
    this.#send(to, passing);
    const unread = this.#unread[from];
    if (this.#passing[from] > 0 || unread.length < 48) return false;
    const headerLength = headerLengthOf(unread) + (this.#digests.header ? 4 : 0);
    if (unread.length < headerLength) return false;
    const bodyLength = bodyLengthOf(unread, this.#digests);
    if (this.#isReadHere(from, unread)) {
      if (unread.length < headerLength + bodyLength) return false;
      const [pdu] = naivePdus(this.#take(from, headerLength + bodyLength), this.#digests);
      this.#send(to, this.#replaced(pdu!.header, pdu!.data));
      return true;
    }
    const header = Buffer.from(this.#take(from, headerLength).subarray(0, headerLengthOf(unread)));
    if (from === 'initiator') this.#patchRequest(header);
    else this.#patchResponse(header);
    this.#send(to, withHeaderDigest(header, this.#digests));
    this.#passing[from] = bodyLength;
    return true;
  }

  #isReadHere(from: Side, bhs: Buffer): boolean {
    const opcode = bhs[0]! & 0x3f;
    if (from === 'initiator') return opcode === 0x04;
    return opcode === 0x3f || (opcode === 0x20 && this.#asked.has(bhs.readUInt32BE(16)));
  }

  #replaced(bhs: Buffer, data: Buffer): Buffer {
    const opcode = bhs[0]! & 0x3f;
    if (opcode === 0x04) return this.#textRequest(bhs, data);
    if (opcode === 0x20) return this.#textResponse(bhs);
    return this.#reject(bhs, data);
  }

  #textRequest(sent: Buffer, data: Buffer): Buffer {
    const bhs = Buffer.from(sent);
    this.#patchRequest(bhs);
    if (data.toString().startsWith(DECLARATION)) return naiveWire(bhs, NONE, data, this.#digests);
    this.#asked.set(bhs.readUInt32BE(16), {
      request: Buffer.from(bhs),
      answer: this.#answers.get(data.toString())!,
    });
    const nopOut = Buffer.alloc(48);
    nopOut[0] = bhs[0]! & 0x40;
    nopOut[1] = 0x80;
    bhs.copy(nopOut, 16, 16, 20);
    nopOut.writeUInt32BE(RESERVED_TAG, 20);
    bhs.copy(nopOut, 24, 24, 32);
    return naiveWire(nopOut, NONE, NONE, this.#digests);
  }

  #textResponse(nopIn: Buffer): Buffer {
    const tag = nopIn.readUInt32BE(16);
    const { answer } = this.#asked.get(tag)!;
    this.#asked.delete(tag);
    const bhs = Buffer.alloc(48);
    bhs[0] = 0x24;
    bhs[1] = 0x80;
    bhs.writeUInt32BE(tag, 16);
    bhs.writeUInt32BE(RESERVED_TAG, 20);
    nopIn.copy(bhs, 24, 24, 36);
    this.#advance(bhs);
    return naiveWire(bhs, NONE, Buffer.from(answer), this.#digests);
  }

  #reject(sent: Buffer, rejected: Buffer): Buffer {
    const bhs = Buffer.from(sent);
    const data = Buffer.from(rejected);
    if (data.length >= 48) {
      const tag = data.readUInt32BE(16);
      if ((data[0]! & 0x3f) === 0x00 && this.#asked.has(tag)) {
        this.#asked.get(tag)!.request.copy(data);
        this.#asked.delete(tag);
      }
      data.writeUInt32BE(this.#said, 28);
    }
    this.#advance(bhs);
    return naiveWire(bhs, NONE, data, this.#digests);
  }

  #patchRequest(bhs: Buffer): void {
    this.#said = bhs.readUInt32BE(28);
    bhs.writeUInt32BE(this.#expStatSN, 28);
  }

  #patchResponse(bhs: Buffer): void {
    const opcode = bhs[0]! & 0x3f;
    if (opcode === 0x25 && (bhs[1]! & 0x01) === 0) return;
    const showsNext = opcode === 0x31 || (opcode === 0x20 && bhs.readUInt32BE(16) === RESERVED_TAG);
    if (showsNext) bhs.writeUInt32BE(this.#statSN, 24);
    else this.#advance(bhs);
  }

  #advance(bhs: Buffer): void {
    this.#expStatSN = (bhs.readUInt32BE(24) + 1) % 2 ** 32;
    bhs.writeUInt32BE(this.#statSN, 24);
    this.#statSN = (this.#statSN + 1) % 2 ** 32;
  }

  #take(from: Side, length: number): Buffer {
    const taken = this.#unread[from].subarray(0, length);
    this.#unread[from] = this.#unread[from].subarray(length);
    return taken;
  }

  #send(to: Side, bytes: Buffer): void {
    this.output[to] = Buffer.concat([this.output[to], bytes]);
  }
}
