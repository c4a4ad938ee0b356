import net from 'node:net';
import tls from 'node:tls';
import { opcodeAt, RESERVED_TAG } from '../../src/iscsi/bhs.ts';
import { decodeBhs } from '../../src/iscsi/layouts.ts';
import { Opcode } from '../../src/iscsi/opcode.ts';
import { encodePdu, type Pdu } from '../../src/iscsi/pdu.ts';
import { PduReader } from '../../src/iscsi/pduReader.ts';
import { serialAdd } from '../../src/iscsi/serialArithmetic.ts';
import { encodeText, type TextPair } from '../../src/iscsi/text.ts';
import { readLoginResponse, type LoginResponse } from './loginMessages.ts';
import { IDENTITY, loginRequest } from './loginPdus.ts';

const LIMITS = { maxAhsLength: 0, maxDataSegmentLength: 1024 * 1024 } as const;

/**
 * An initiator's end of a connection that sends whatever a test makes it send, and keeps every byte of both directions.
 */
export class TunnelInitiator {
  readonly socket: net.Socket;
  /** Everything that the peer sent. */
  readonly received: Buffer[] = [];
  readonly sent: Buffer[] = [];
  /** Resolves when the connection is closed, however that came about. */
  readonly closed: Promise<void>;
  readonly #below: net.Socket;
  readonly #reader = new PduReader(LIMITS);
  #isClosed = false;
  #wake: (() => void) | undefined;
  #cmdSN = 1;
  #expStatSN = 0;
  #taskTag = 100;

  private constructor(socket: net.Socket, below: net.Socket) {
    this.socket = socket;
    this.#below = below;
    socket.on('error', () => {}); // `closed` tells
    socket.on('data', (chunk: Buffer) => {
      this.received.push(chunk);
      this.#reader.push(chunk);
      this.#wake?.();
    });
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#isClosed = true;
        this.#wake?.();
        resolve();
      });
    });
  }

  /** Through TLS. A gateway that refuses the certificate says so only afterwards: by closing. */
  static async connect(to: net.TcpNetConnectOpts, options: tls.ConnectionOptions): Promise<TunnelInitiator> {
    const below = net.connect(to);
    below.on('error', () => {});
    const socket = tls.connect({ socket: below, minVersion: 'TLSv1.3', ...options });
    const initiator = new TunnelInitiator(socket, below);
    const secure = new Promise<void>((resolve) => void socket.once('secureConnect', () => resolve()));
    await Promise.race([secure, initiator.closed]);
    return initiator;
  }

  /** Without TLS, as to a stub. */
  static async connectPlain(to: net.TcpNetConnectOpts): Promise<TunnelInitiator> {
    const socket = net.connect(to);
    const initiator = new TunnelInitiator(socket, socket);
    const connected = new Promise<void>((resolve) => void socket.once('connect', () => resolve()));
    await Promise.race([connected, initiator.closed]);
    return initiator;
  }

  send(bytes: Buffer): void {
    this.sent.push(bytes);
    this.socket.write(bytes);
  }

  /** @returns undefined when the peer has closed */
  async next(): Promise<Pdu | undefined> {
    for (;;) {
      const pdu = this.#reader.next();
      if (pdu !== undefined) return pdu;
      if (this.#isClosed) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Sends a Login Request and reads its answer; undefined when the peer closes instead. */
  async exchange(request: Buffer): Promise<LoginResponse | undefined> {
    this.send(request);
    const pdu = await this.next();
    return pdu && readLoginResponse(pdu);
  }

  /** Takes part in a session from here on: one PDU, 1 → 3. @throws if it is refused */
  async logIn(
    pairs: readonly TextPair[] = IDENTITY,
    fields: Parameters<typeof loginRequest>[1] = {},
  ): Promise<LoginResponse> {
    const response = await this.exchange(loginRequest(pairs, fields));
    if (response === undefined) throw new Error('the peer closed the connection');
    if (response.status !== 0) throw new Error(`login status ${response.status.toString(16)}`);
    this.#expStatSN = serialAdd(response.statSN, 1);
    this.#cmdSN = fields.cmdSN ?? 1;
    return response;
  }

  async logInToDiscovery(initiatorName: string, offers: readonly TextPair[] = []): Promise<LoginResponse> {
    return this.logIn([['InitiatorName', initiatorName], ['SessionType', 'Discovery'], ...offers]);
  }

  /** NOP-Out there, NOP-In back. */
  async ping(): Promise<void> {
    const initiatorTaskTag = this.#taskTag++;
    const fields = { immediate: true, final: true, initiatorTaskTag, targetTransferTag: RESERVED_TAG };
    this.send(encodePdu('nopOut', { ...fields, ...this.#numbers() }));
    const pdu = await this.#answer(Opcode.nopIn);
    if (decodeBhs('nopIn', pdu.bhs).initiatorTaskTag !== initiatorTaskTag) {
      throw new Error('the answer to another ping');
    }
  }

  /** A SCSI Command on LUN 0; what it writes goes with it as immediate data. The answer is left to `next`. */
  command(cdb: Buffer, written: Buffer = Buffer.alloc(0)): void {
    const fields = {
      final: true,
      write: written.length > 0,
      attributes: 1,
      lun: Buffer.alloc(8),
      initiatorTaskTag: this.#taskTag++,
      expectedDataTransferLength: written.length,
      cdb: Buffer.concat([cdb], 16),
    };
    this.send(encodePdu('scsiCommand', { ...fields, ...this.#numbers() }, written));
    this.#cmdSN = serialAdd(this.#cmdSN, 1);
  }

  /** Logout Request there, its answer back, and the end of the connection. */
  async logOut(): Promise<void> {
    const fields = { immediate: true, final: true, reason: 0, initiatorTaskTag: this.#taskTag++, cid: 1 };
    this.send(encodePdu('logoutRequest', { ...fields, ...this.#numbers() }));
    await this.#answer(Opcode.logoutResponse);
    this.end();
  }

  /** One Text negotiation, however many PDUs the answer takes. @returns each answer's data */
  async text(pairs: readonly TextPair[]): Promise<Buffer[]> {
    const pieces: Buffer[] = [];
    const initiatorTaskTag = this.#taskTag++;
    let targetTransferTag = RESERVED_TAG;
    let data = encodeText(pairs);
    for (;;) {
      const fields = { final: true, initiatorTaskTag, targetTransferTag };
      this.send(encodePdu('textRequest', { ...fields, ...this.#numbers() }, data));
      this.#cmdSN = serialAdd(this.#cmdSN, 1);
      const pdu = await this.#answer(Opcode.textResponse);
      pieces.push(pdu.data);
      const response = decodeBhs('textResponse', pdu.bhs);
      if (response.final) return pieces;
      targetTransferTag = response.targetTransferTag;
      data = Buffer.alloc(0);
    }
  }

  /** Ends the connection as a host does that goes down. */
  reset(): void {
    this.#below.resetAndDestroy();
  }

  /** Bytes in the midst of the tunnel that are no record of it, as somebody on the network can put there. */
  tamper(bytes: Buffer): void {
    this.#below.write(bytes);
  }

  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
    this.#below.destroy();
  }

  #numbers(): { cmdSN: number; expStatSN: number } {
    return { cmdSN: this.#cmdSN, expStatSN: this.#expStatSN };
  }

  async #answer(opcode: number): Promise<Pdu> {
    const pdu = await this.next();
    if (pdu === undefined) throw new Error('the peer closed the connection');
    if (opcodeAt(pdu.bhs, 0) !== opcode) throw new Error(`opcode ${opcodeAt(pdu.bhs, 0)} came back`);
    this.#expStatSN = serialAdd(decodeBhs('nopIn', pdu.bhs).statSN, 1);
    return pdu;
  }
}
