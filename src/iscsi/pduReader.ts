import { ahsLengthAt, BHS_LENGTH, dataSegmentLengthAt, DIGEST_LENGTH, padded } from './bhs.ts';
import { NO_DIGESTS, parseWirePdu, type Digests, type Pdu } from './pdu.ts';
import { ProtocolError } from './protocolError.ts';

export interface PduReaderLimits {
  readonly maxAhsLength: number;
  readonly maxDataSegmentLength: number;
}

/** Chunks that together have no more bytes are kept as one: as an object, each costs more than a hundred bytes. */
const TINY = 1024;

/**
 * Gives whole PDUs out of any chunking, for the phases and end points that need them whole. A PDU that is over a limit is
 * refused as soon as its header says so, before its data is kept.
 */
export class PduReader {
  #limits: PduReaderLimits;
  #digests: Digests = NO_DIGESTS;
  #chunks: Buffer[] = [];
  #length = 0;

  constructor(limits: PduReaderLimits) {
    this.#limits = limits;
  }

  /** What holds from the next PDU on, e.g. the digests after login. */
  configure(options: { digests: Digests; limits: PduReaderLimits }): void {
    this.#digests = options.digests;
    this.#limits = options.limits;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    const last = this.#chunks.at(-1);
    if (last !== undefined && last.length + chunk.length <= TINY) {
      this.#chunks[this.#chunks.length - 1] = joined(last, chunk);
    } else {
      this.#chunks.push(chunk);
    }
    this.#length += chunk.length;
  }

  /**
   * @returns the next PDU, or undefined until more bytes come
   * @throws ProtocolError `header_too_long`, `data_segment_too_long`, `header_digest` or `data_digest`
   */
  next(): Pdu | undefined {
    if (this.#length < BHS_LENGTH) return undefined;
    const length = this.#wireLength(this.#peek(BHS_LENGTH));
    if (this.#length < length) return undefined;
    const wire = this.#peek(length);
    this.#drop(length);
    return parseWirePdu(wire, this.#digests);
  }

  /** Bytes after the last PDU that was taken; the reader is empty afterwards. */
  rest(): Buffer {
    const rest = this.#peek(this.#length);
    this.#drop(this.#length);
    return rest;
  }

  /** Bytes that wait for their PDU to become whole. */
  get buffered(): number {
    return this.#length;
  }

  #wireLength(bhs: Buffer): number {
    const ahs = ahsLengthAt(bhs, 0);
    if (ahs > this.#limits.maxAhsLength) {
      throw new ProtocolError(
        'header_too_long',
        `additional headers of ${ahs} bytes, at most ${this.#limits.maxAhsLength} are taken here`,
      );
    }
    const data = dataSegmentLengthAt(bhs, 0);
    if (data > this.#limits.maxDataSegmentLength) {
      throw new ProtocolError(
        'data_segment_too_long',
        `a data segment of ${data} bytes, at most ${this.#limits.maxDataSegmentLength} are taken here`,
      );
    }
    const headerDigest = this.#digests.header ? DIGEST_LENGTH : 0;
    const dataDigest = this.#digests.data && data > 0 ? DIGEST_LENGTH : 0;
    return BHS_LENGTH + ahs + headerDigest + padded(data) + dataDigest;
  }

  /** The first `length` bytes in one piece; chunks are joined only when they have to be, so tiny ones cost little. */
  #peek(length: number): Buffer {
    if (length === 0) return Buffer.alloc(0);
    if (this.#chunks[0]!.length < length) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0]!.subarray(0, length);
  }

  #drop(length: number): void {
    this.#length -= length;
    if (length === 0) return;
    const rest = this.#chunks[0]!.subarray(length);
    if (rest.length > 0) this.#chunks[0] = rest;
    else this.#chunks.shift();
  }
}

/** Unlike Buffer.concat, with memory of its own: a small part of Node's pool keeps all of it. */
function joined(first: Buffer, second: Buffer): Buffer {
  const whole = Buffer.allocUnsafeSlow(first.length + second.length);
  first.copy(whole);
  second.copy(whole, first.length);
  return whole;
}
