import {
  ahsLengthAt,
  BHS_LENGTH,
  dataSegmentLengthAt,
  DIGEST_LENGTH,
  MAX_AHS_LENGTH,
  padded,
} from './bhs.ts';
import { crc32c, writeDigest } from './crc32c.ts';
import { parseWirePdu, verifyHeaderDigest, type Digests, type Pdu } from './pdu.ts';
import { ProtocolError } from './protocolError.ts';

/** What becomes of a PDU whose header has been seen. */
export const Disposition = {
  /** Goes on as it came. */
  pass: 0,
  /** Goes on; its header was patched in place, so its header digest is computed anew. */
  passPatched: 1,
  /** Does not go on: it is assembled whole and given to `collected`. */
  collect: 2,
  /** Does not go on, and neither it nor its data is kept. */
  absorb: 3,
} as const;

export type DispositionValue = (typeof Disposition)[keyof typeof Disposition];

export interface PduHandler {
  /**
   * A whole header (BHS and AHS), its digest verified, at `bytes[at]`. It may be patched in place.
   *
   * @throws ProtocolError to end the stream
   */
  header(bytes: Buffer, at: number): DispositionValue;
  /** A PDU that `header` wanted collected; everything before it has been passed on. */
  collected(pdu: Pdu): void;
  /** The header of a PDU that `header` wanted absorbed; everything before it has been passed on. */
  absorbed(): void;
  /** Bytes that go on, in order: views into the chunk that came, or a header that a chunk border had cut. */
  pass(view: Buffer): void;
}

export interface PduStreamOptions {
  readonly digests: Digests;
  /** The most that the receiver of these PDUs has declared (MaxRecvDataSegmentLength), in bytes. */
  readonly maxDataSegmentLength: number;
  /** The most that a collected PDU may hold, in bytes. */
  readonly maxCollectedLength: number;
}

/**
 * Cut-through framer: walks the headers of a byte stream in whatever chunks it comes and passes the chunks on as views.
 * Data is never copied and never waits; only a header that a chunk border cuts does (at most 1072 bytes).
 */
export class PduStream {
  readonly #handler: PduHandler;
  readonly #options: PduStreamOptions;
  #maxDataSegmentLength: number;
  /** A header that a chunk border has cut. */
  readonly #cut = Buffer.allocUnsafe(BHS_LENGTH + MAX_AHS_LENGTH + DIGEST_LENGTH);
  #cutLength = 0;
  /** Bytes of the current PDU behind its header: data, padding, data digest. */
  #remaining = 0;
  /** Where the current PDU is being assembled, if it is one to collect. */
  #collecting: Buffer | undefined;
  /** The current PDU does not go on. */
  #isHeldBack = false;
  /** What waits for the current PDU to end. */
  #atBoundary: (() => void)[] = [];

  constructor(handler: PduHandler, options: PduStreamOptions) {
    this.#handler = handler;
    this.#options = options;
    this.#maxDataSegmentLength = options.maxDataSegmentLength;
  }

  /** The receiver has declared a new MaxRecvDataSegmentLength; it holds from the next header on. */
  set maxDataSegmentLength(length: number) {
    this.#maxDataSegmentLength = length;
  }

  /**
   * @throws ProtocolError for whatever breaks the stream; nothing may be pushed afterwards
   */
  push(chunk: Buffer): void {
    const end = chunk.length;
    let runStart = 0; // what lies between here and `at` goes on as one view
    let at = 0;
    while (at < end) {
      if (this.#remaining > 0) {
        const length = Math.min(this.#remaining, end - at);
        this.#remaining -= length;
        const collecting = this.#collecting;
        if (collecting !== undefined) {
          chunk.copy(collecting, collecting.length - this.#remaining - length, at, at + length);
        }
        at += length;
        if (this.#isHeldBack) runStart = at;
        if (this.#remaining === 0) runStart = this.#endPdu(chunk, runStart, at);
        continue;
      }
      const headerLength = this.#cutLength === 0 ? this.#headerLengthAt(chunk, at, end) : 0;
      if (headerLength > 0) {
        const disposition = this.#header(chunk, at, headerLength);
        if (isHeldBack(disposition)) {
          this.#pass(chunk, runStart, at);
          runStart = at + headerLength;
          this.#holdBack(disposition, chunk, at, headerLength);
        }
        at += headerLength;
      } else {
        this.#pass(chunk, runStart, at);
        at = this.#takeCutHeader(chunk, at, end);
        runStart = at;
      }
    }
    this.#pass(chunk, runStart, end);
  }

  /**
   * Runs `emit` where bytes of one's own fit in between those that are passed on: now, or when the PDU that is under way has
   * ended. Not to be called from this stream's own handler, whose `collected` and `absorbed` stand between two PDUs anyway.
   */
  atBoundary(emit: () => void): void {
    if (this.#remaining === 0 || this.#isHeldBack) emit();
    else this.#atBoundary.push(emit);
  }

  /** True between two PDUs: the stream may end here without a PDU being cut. */
  get isAtBoundary(): boolean {
    return this.#cutLength === 0 && this.#remaining === 0;
  }

  /** Length of the header at `at` including its digest, or 0 if it is not all there. */
  #headerLengthAt(bytes: Buffer, at: number, end: number): number {
    if (end - at < BHS_LENGTH) return 0;
    const length = BHS_LENGTH + ahsLengthAt(bytes, at) + (this.#options.digests.header ? DIGEST_LENGTH : 0);
    return end - at < length ? 0 : length;
  }

  #header(bytes: Buffer, at: number, headerLength: number): DispositionValue {
    const { digests } = this.#options;
    const dataSegmentLength = dataSegmentLengthAt(bytes, at);
    const digestAt = at + headerLength - DIGEST_LENGTH;
    if (digests.header) verifyHeaderDigest(bytes, at, headerLength - DIGEST_LENGTH);
    if (dataSegmentLength > this.#maxDataSegmentLength) {
      throw new ProtocolError(
        'data_segment_too_long',
        `a data segment of ${dataSegmentLength} bytes where the receiver takes ${this.#maxDataSegmentLength}`,
      );
    }
    this.#remaining = padded(dataSegmentLength) + (digests.data && dataSegmentLength > 0 ? DIGEST_LENGTH : 0);
    const disposition = this.#handler.header(bytes, at);
    if (disposition === Disposition.passPatched && digests.header) {
      writeDigest(bytes, digestAt, crc32c(bytes, at, digestAt));
    }
    return disposition;
  }

  #takeCutHeader(chunk: Buffer, from: number, end: number): number {
    let at = from;
    const take = (wanted: number): void => {
      const length = Math.min(wanted - this.#cutLength, end - at);
      if (length <= 0) return;
      chunk.copy(this.#cut, this.#cutLength, at, at + length);
      this.#cutLength += length;
      at += length;
    };
    take(BHS_LENGTH);
    if (this.#cutLength >= BHS_LENGTH) {
      take(BHS_LENGTH + ahsLengthAt(this.#cut, 0) + (this.#options.digests.header ? DIGEST_LENGTH : 0));
    }
    const headerLength = this.#headerLengthAt(this.#cut, 0, this.#cutLength);
    if (headerLength > 0) {
      const header = Buffer.from(this.#cut.subarray(0, headerLength));
      this.#cutLength = 0;
      const disposition = this.#header(header, 0, headerLength);
      if (isHeldBack(disposition)) this.#holdBack(disposition, header, 0, headerLength);
      else this.#handler.pass(header);
    }
    return at;
  }

  #holdBack(disposition: DispositionValue, bytes: Buffer, at: number, headerLength: number): void {
    this.#isHeldBack = this.#remaining > 0;
    if (disposition === Disposition.absorb) this.#handler.absorbed();
    else this.#collect(bytes, at, headerLength);
  }

  #endPdu(chunk: Buffer, runStart: number, at: number): number {
    this.#isHeldBack = false;
    if (this.#collecting !== undefined) this.#collected();
    if (this.#atBoundary.length === 0) return runStart;
    this.#pass(chunk, runStart, at);
    for (const emit of this.#atBoundary.splice(0)) emit();
    return at;
  }

  #collect(bytes: Buffer, at: number, headerLength: number): void {
    const length = dataSegmentLengthAt(bytes, at);
    if (length > this.#options.maxCollectedLength) {
      throw new ProtocolError(
        'data_segment_too_long',
        `a data segment of ${length} bytes in a PDU that may have ${this.#options.maxCollectedLength}`,
      );
    }
    this.#collecting = Buffer.allocUnsafe(headerLength + this.#remaining);
    bytes.copy(this.#collecting, 0, at, at + headerLength);
    if (this.#remaining === 0) this.#collected();
  }

  #collected(): void {
    const wire = this.#collecting!;
    this.#collecting = undefined;
    this.#handler.collected(parseWirePdu(wire, this.#options.digests));
  }

  #pass(chunk: Buffer, from: number, to: number): void {
    if (to > from) this.#handler.pass(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to));
  }
}

function isHeldBack(disposition: DispositionValue): boolean {
  return disposition === Disposition.collect || disposition === Disposition.absorb;
}
