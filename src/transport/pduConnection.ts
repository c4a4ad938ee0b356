import type { Duplex } from 'node:stream';
import type { Digests, Pdu } from '../iscsi/pdu.ts';
import { PduReader, type PduReaderLimits } from '../iscsi/pduReader.ts';
import { ChunkReader } from './chunkReader.ts';

/** Whole PDUs over a socket, for the phases and the end points in which every PDU is looked at as one. */
export class PduConnection {
  readonly #chunks: ChunkReader;
  readonly #reader: PduReader;
  #drained: Promise<void> | undefined;

  constructor(chunks: ChunkReader, limits: PduReaderLimits) {
    this.#chunks = chunks;
    this.#reader = new PduReader(limits);
  }

  static over(socket: Duplex, limits: PduReaderLimits): PduConnection {
    return new PduConnection(new ChunkReader(socket), limits);
  }

  /** What holds from the next PDU on. */
  configure(options: { digests: Digests; limits: PduReaderLimits }): void {
    this.#reader.configure(options);
  }

  /**
   * @returns undefined when the peer has ended the connection
   * @throws ProtocolError for bytes that are no PDU; the socket's error
   */
  async next(): Promise<Pdu | undefined> {
    for (;;) {
      const pdu = this.#reader.next();
      if (pdu !== undefined) return pdu;
      const chunk = await this.#chunks.next();
      if (chunk === undefined) return undefined;
      this.#reader.push(chunk);
    }
  }

  /** Writes, and waits while the socket's buffer is full. */
  async write(bytes: Buffer): Promise<void> {
    const { socket } = this.#chunks;
    if (socket.destroyed || socket.write(bytes)) return;
    // Many may wait, and each with listeners of its own would look like a leak.
    this.#drained ??= this.#drains();
    await this.#drained;
  }

  /**
   * Gives the socket back.
   *
   * @returns what was read and is not part of a PDU that `next` gave out
   */
  detach(): Buffer {
    const rest = this.#reader.rest();
    return Buffer.concat([rest, this.#chunks.detach()]);
  }

  async #drains(): Promise<void> {
    const { socket } = this.#chunks;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        socket.off('drain', done);
        socket.off('close', done);
        resolve();
      };
      socket.once('drain', done);
      socket.once('close', done);
    });
    this.#drained = undefined;
  }
}
