import type { Socket } from 'node:net';
import { Failure } from '../failures.ts';
import { MAX_AHS_LENGTH, opcodeAt, RESERVED_TAG } from '../iscsi/bhs.ts';
import { decodeBhs, type PduFields } from '../iscsi/layouts.ts';
import { encodeLun } from '../iscsi/lun.ts';
import { describeOpcode, Opcode } from '../iscsi/opcode.ts';
import { encodePdu, type Pdu } from '../iscsi/pdu.ts';
import { serialAdd, serialBefore } from '../iscsi/serial.ts';
import type { TextPair } from '../iscsi/text.ts';
import type { NegotiatedParameters } from '../login/negotiation.ts';
import { PduConnection } from '../transport/pduConnection.ts';
import { negotiateToFullFeature, passSecurity } from './logIn.ts';
import { FIRST_CMD_SN, newLogin, type InitiatorOptions } from './newLogin.ts';

const LOGIN_LIMITS = { maxAhsLength: 0, maxDataSegmentLength: 8192 } as const;
const MAX_RECV_DATA_SEGMENT_LENGTH = 262144;

export interface Command {
  readonly lun: number;
  /** 16 bytes at most; shorter ones are filled up with zeros. */
  readonly cdb: Uint8Array;
  /** Bytes that the command returns. */
  readonly readLength?: number;
  readonly dataOut?: Buffer;
}

export interface CommandResult {
  readonly status: number;
  readonly data: Buffer;
  /** Without iSCSI's SenseLength. */
  readonly sense: Buffer;
}

interface Running {
  readonly command: Command;
  readonly data: Buffer;
  readonly resolve: (result: CommandResult) => void;
  readonly reject: (error: unknown) => void;
}

/** A small initiator: one session with any number of commands under way, as far as the target's window goes. */
export class InitiatorSession {
  readonly #socket: Socket;
  readonly #connection: PduConnection;
  readonly #parameters: NegotiatedParameters;
  readonly #running = new Map<number, Running>();
  /** Commands that wait for the window. */
  readonly #waiting: (() => void)[] = [];
  #cmdSN = FIRST_CMD_SN;
  #maxCmdSN: number;
  #expStatSN: number;
  #nextTag = 1;
  #error: unknown;

  private constructor(
    socket: Socket,
    connection: PduConnection,
    parameters: NegotiatedParameters,
    numbers: { maxCmdSN: number; expStatSN: number },
  ) {
    this.#socket = socket;
    this.#connection = connection;
    this.#parameters = parameters;
    this.#maxCmdSN = numbers.maxCmdSN;
    this.#expStatSN = numbers.expStatSN;
    void this.#read();
  }

  /**
   * Logs in over a connected socket. On failure the socket is closed.
   *
   * @throws Failure; ProtocolError; Redirected; the socket's error
   */
  static async open(
    socket: Socket,
    targetName: string,
    options: InitiatorOptions,
  ): Promise<InitiatorSession> {
    const connection = PduConnection.over(socket, LOGIN_LIMITS);
    const login = newLogin(options, { sessionType: 'Normal', targetName });
    try {
      await passSecurity(connection, login);
      const { parameters, maxCmdSN } = await negotiateToFullFeature(
        connection,
        login,
        offers(options.digests === true),
        new Map([
          ['HeaderDigest', 'None'],
          ['DataDigest', 'None'],
        ]),
      );
      connection.configure({
        digests: parameters.digests,
        limits: { maxAhsLength: MAX_AHS_LENGTH, maxDataSegmentLength: MAX_RECV_DATA_SEGMENT_LENGTH },
      });
      return new InitiatorSession(socket, connection, parameters, { maxCmdSN, expStatSN: login.expStatSN });
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      login.end();
    }
  }

  get parameters(): NegotiatedParameters {
    return this.#parameters;
  }

  /** Runs one command to its status. @throws what ended the session */
  async execute(command: Command): Promise<CommandResult> {
    await this.#windowOpens();
    return new Promise((resolve, reject) => {
      const initiatorTaskTag = this.#takeTag();
      const { readLength = 0, dataOut } = command;
      this.#running.set(initiatorTaskTag, { command, data: Buffer.alloc(readLength), resolve, reject });
      const immediate = this.#immediateLength(dataOut);
      const cmdSN = this.#takeCmdSN();
      const cdb = Buffer.alloc(16);
      cdb.set(command.cdb);
      this.#send(
        encodePdu(
          'scsiCommand',
          {
            final: true, // what does not fit as immediate data waits for R2T
            read: readLength > 0,
            write: dataOut !== undefined,
            attributes: 1,
            lun: encodeLun(command.lun),
            initiatorTaskTag,
            expectedDataTransferLength: dataOut?.length ?? readLength,
            cmdSN,
            expStatSN: this.#expStatSN,
            cdb,
          },
          dataOut?.subarray(0, immediate),
          this.#parameters.digests,
        ),
      );
    });
  }

  /** Pings the target and waits for its answer. */
  async ping(): Promise<void> {
    await this.#windowOpens();
    await new Promise<CommandResult>((resolve, reject) => {
      const initiatorTaskTag = this.#takeTag();
      this.#running.set(initiatorTaskTag, {
        command: { lun: 0, cdb: Buffer.alloc(0) },
        data: Buffer.alloc(0),
        resolve,
        reject,
      });
      const cmdSN = this.#takeCmdSN();
      const fields = {
        final: true,
        initiatorTaskTag,
        targetTransferTag: RESERVED_TAG,
        cmdSN,
        expStatSN: this.#expStatSN,
      };
      this.#send(encodePdu('nopOut', fields, undefined, this.#parameters.digests));
    });
  }

  /** Logs out and closes the connection. */
  async logout(): Promise<void> {
    if (this.#error !== undefined) return;
    const closed = new Promise<void>((resolve) => void this.#socket.once('close', () => resolve()));
    const fields = {
      immediate: true,
      final: true,
      initiatorTaskTag: this.#takeTag(),
      cmdSN: this.#cmdSN,
      expStatSN: this.#expStatSN,
    };
    this.#send(encodePdu('logoutRequest', fields, undefined, this.#parameters.digests));
    await closed;
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const pdu = await this.#connection.next();
        if (pdu === undefined) throw new Failure('peer_closed', 'the target closed the connection');
        if (opcodeAt(pdu.bhs, 0) === Opcode.logoutResponse) break;
        this.#receive(pdu);
      }
      this.#end(new Failure('peer_closed', 'the session is logged out'));
    } catch (error) {
      this.#end(error);
    }
  }

  #receive(pdu: Pdu): void {
    const opcode = opcodeAt(pdu.bhs, 0);
    const { maxCmdSN, statSN } = decodeBhs('nopIn', pdu.bhs);
    if (serialBefore(this.#maxCmdSN, maxCmdSN)) {
      this.#maxCmdSN = maxCmdSN;
      for (const goOn of this.#waiting.splice(0)) goOn();
    }
    switch (opcode) {
      case Opcode.dataIn:
        return this.#dataIn(pdu);
      case Opcode.r2t:
        return this.#r2t(decodeBhs('r2t', pdu.bhs));
      case Opcode.scsiResponse: {
        const { initiatorTaskTag, status } = decodeBhs('scsiResponse', pdu.bhs);
        this.#expStatSN = serialAdd(statSN, 1);
        const sense =
          pdu.data.length > 2 ? pdu.data.subarray(2, 2 + pdu.data.readUInt16BE()) : Buffer.alloc(0);
        return this.#complete(initiatorTaskTag, status, sense);
      }
      case Opcode.nopIn:
        return this.#nopIn(decodeBhs('nopIn', pdu.bhs));
      default:
        throw new Failure('protocol_error', `the target sent ${describeOpcode(opcode)}`);
    }
  }

  #dataIn(pdu: Pdu): void {
    const { initiatorTaskTag, bufferOffset, hasStatus, status, statSN } = decodeBhs('dataIn', pdu.bhs);
    const data = this.#running.get(initiatorTaskTag)?.data;
    if (data === undefined || bufferOffset + pdu.data.length > data.length) {
      throw new Failure('protocol_error', 'the target sent data that nobody asked for');
    }
    pdu.data.copy(data, bufferOffset);
    if (!hasStatus) return;
    this.#expStatSN = serialAdd(statSN, 1);
    this.#complete(initiatorTaskTag, status, Buffer.alloc(0));
  }

  #r2t({
    initiatorTaskTag,
    targetTransferTag,
    bufferOffset,
    desiredDataTransferLength,
  }: PduFields<'r2t'>): void {
    const dataOut = this.#running.get(initiatorTaskTag)?.command.dataOut;
    const end = bufferOffset + desiredDataTransferLength;
    if (dataOut === undefined || end > dataOut.length) {
      throw new Failure('protocol_error', 'the target asks for data that there is not');
    }
    const step = this.#parameters.maxRecvDataSegmentLength.target;
    for (let at = bufferOffset, dataSN = 0; at < end; at += step, dataSN++) {
      const piece = dataOut.subarray(at, Math.min(end, at + step));
      const final = at + piece.length === end;
      const fields = {
        final,
        initiatorTaskTag,
        targetTransferTag,
        expStatSN: this.#expStatSN,
        dataSN,
        bufferOffset: at,
      };
      this.#send(encodePdu('dataOut', fields, piece, this.#parameters.digests));
    }
  }

  #nopIn({ initiatorTaskTag, targetTransferTag, statSN }: PduFields<'nopIn'>): void {
    if (initiatorTaskTag !== RESERVED_TAG) {
      this.#expStatSN = serialAdd(statSN, 1);
      this.#complete(initiatorTaskTag, 0, Buffer.alloc(0));
    } else if (targetTransferTag !== RESERVED_TAG) {
      const fields = {
        immediate: true,
        final: true,
        initiatorTaskTag,
        targetTransferTag,
        cmdSN: this.#cmdSN,
        expStatSN: this.#expStatSN,
      };
      this.#send(encodePdu('nopOut', fields, undefined, this.#parameters.digests));
    }
  }

  #complete(initiatorTaskTag: number, status: number, sense: Buffer): void {
    const running = this.#running.get(initiatorTaskTag);
    if (running === undefined)
      throw new Failure('protocol_error', 'the target answers a command that is not under way');
    this.#running.delete(initiatorTaskTag);
    running.resolve({ status, data: running.data, sense });
  }

  #immediateLength(dataOut: Buffer | undefined): number {
    const { immediateData, firstBurstLength, maxRecvDataSegmentLength } = this.#parameters;
    return immediateData && dataOut
      ? Math.min(dataOut.length, firstBurstLength, maxRecvDataSegmentLength.target)
      : 0;
  }

  async #windowOpens(): Promise<void> {
    for (;;) {
      if (this.#error !== undefined) throw this.#error;
      if (!serialBefore(this.#maxCmdSN, this.#cmdSN)) return;
      await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    }
  }

  #takeCmdSN(): number {
    const cmdSN = this.#cmdSN;
    this.#cmdSN = serialAdd(cmdSN, 1);
    return cmdSN;
  }

  #takeTag(): number {
    const tag = this.#nextTag;
    this.#nextTag = (tag + 1) % RESERVED_TAG;
    return tag;
  }

  #send(pdu: Buffer): void {
    if (!this.#socket.destroyed) this.#socket.write(pdu);
  }

  #end(error: unknown): void {
    this.#error = error;
    this.#socket.destroy();
    for (const { reject } of this.#running.values()) reject(error);
    this.#running.clear();
    for (const goOn of this.#waiting.splice(0)) goOn();
  }
}

function offers(digests: boolean): TextPair[] {
  return [
    ['HeaderDigest', digests ? 'CRC32C' : 'None'],
    ['DataDigest', digests ? 'CRC32C' : 'None'],
    ['ErrorRecoveryLevel', '0'],
    ['InitialR2T', 'No'],
    ['ImmediateData', 'Yes'],
    ['MaxBurstLength', '1048576'],
    ['FirstBurstLength', '262144'],
    ['MaxOutstandingR2T', '1'],
    ['MaxConnections', '1'],
    ['MaxRecvDataSegmentLength', String(MAX_RECV_DATA_SEGMENT_LENGTH)],
  ];
}
