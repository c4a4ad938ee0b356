import type { Socket } from 'node:net';
import { Failure } from '../failures.ts';
import { opcodeAt, RESERVED_TAG } from '../iscsi/bhs.ts';
import { decodeBhs, type PduFields } from '../iscsi/layouts.ts';
import { encodeLun } from '../iscsi/lun.ts';
import { describeOpcode, Opcode } from '../iscsi/opcode.ts';
import { encodePdu, type Pdu } from '../iscsi/pdu.ts';
import { SENSE_AT } from '../iscsi/scsiResponse.ts';
import { serialAdd } from '../iscsi/serialArithmetic.ts';
import { LOGIN_LIMITS } from '../login/loginLimits.ts';
import type { NegotiatedParameters } from '../login/negotiation.ts';
import { PduConnection } from '../transport/pduConnection.ts';
import { negotiateToFullFeature, passSecurity } from './logIn.ts';
import { dataOutPdus } from './dataOutPdus.ts';
import { newLogin, type InitiatorOptions } from './newLogin.ts';
import { RequestWindow, type RequestNumbers } from './requestWindow.ts';
import { SESSION_LIMITS, SESSION_PREFERENCES, sessionOffers } from './sessionOffers.ts';

/** "Command completed at target" (RFC 7143 §11.4.3): only then does the status mean anything. */
const COMPLETED = 0;

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
  /** What came; shorter than asked for where the target had less. */
  readonly data: Buffer;
  /** Without iSCSI's SenseLength. */
  readonly sense: Buffer;
}

interface Running {
  readonly command: Command;
  readonly data: Buffer;
  received: number;
  /** Bytes of data-out that went out. */
  sent: number;
  readonly resolve: (result: CommandResult) => void;
  readonly reject: (error: unknown) => void;
}

type Numbers = Pick<PduFields<'nopOut'>, 'initiatorTaskTag' | 'cmdSN' | 'expStatSN'>;

/** A small initiator: one session with any number of commands under way, as far as the target's window goes. */
export class InitiatorSession {
  readonly #socket: Socket;
  readonly #connection: PduConnection;
  readonly #parameters: NegotiatedParameters;
  readonly #running = new Map<number, Running>();
  readonly #window: RequestWindow;
  #expStatSN: number;
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
    this.#window = new RequestWindow(numbers.maxCmdSN);
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
        sessionOffers(options.digests === true),
        SESSION_PREFERENCES,
      );
      connection.configure({ digests: parameters.digests, limits: SESSION_LIMITS });
      return new InitiatorSession(socket, connection, parameters, { maxCmdSN, expStatSN: login.expStatSN });
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  get parameters(): NegotiatedParameters {
    return this.#parameters;
  }

  /** Runs one command to its status. @throws what ended the session */
  execute(command: Command): Promise<CommandResult> {
    const { readLength = 0, dataOut } = command;
    const cdb = Buffer.alloc(16);
    cdb.set(command.cdb);
    const fields = {
      final: true, // what does not fit as immediate data waits for R2T
      read: readLength > 0,
      write: dataOut !== undefined,
      attributes: 1,
      lun: encodeLun(command.lun),
      expectedDataTransferLength: dataOut?.length ?? readLength,
      cdb,
    };
    const immediate = dataOut?.subarray(0, this.#immediateLength(dataOut));
    const { digests } = this.#parameters;
    return this.#submit(command, (numbers) =>
      encodePdu('scsiCommand', { ...fields, ...numbers }, immediate, digests),
    );
  }

  /** Pings the target and waits for its answer. @throws what ended the session */
  async ping(): Promise<void> {
    const fields = { final: true, targetTransferTag: RESERVED_TAG };
    const { digests } = this.#parameters;
    await this.#submit({ lun: 0, cdb: Buffer.alloc(0) }, (numbers) =>
      encodePdu('nopOut', { ...fields, ...numbers }, undefined, digests),
    );
  }

  /** Logs out and closes the connection. */
  async logout(): Promise<void> {
    if (this.#error !== undefined) return;
    const closed = new Promise<void>((resolve) => void this.#socket.once('close', () => resolve()));
    const fields = {
      immediate: true,
      final: true,
      initiatorTaskTag: this.#window.takeTag(),
      cmdSN: this.#window.cmdSN,
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
    this.#window.widen(maxCmdSN);
    switch (opcode) {
      case Opcode.dataIn:
        return this.#dataIn(pdu);
      case Opcode.r2t:
        return this.#r2t(decodeBhs('r2t', pdu.bhs));
      case Opcode.scsiResponse: {
        const { initiatorTaskTag, response, status } = decodeBhs('scsiResponse', pdu.bhs);
        if (response !== COMPLETED) {
          throw new Failure(
            'protocol_error',
            `the target failed a command: iSCSI response 0x${hex(response)}`,
          );
        }
        this.#expStatSN = serialAdd(statSN, 1);
        const sense =
          pdu.data.length > SENSE_AT
            ? pdu.data.subarray(SENSE_AT, SENSE_AT + pdu.data.readUInt16BE())
            : Buffer.alloc(0);
        return this.#complete(initiatorTaskTag, status, sense);
      }
      case Opcode.nopIn:
        return this.#nopIn(decodeBhs('nopIn', pdu.bhs));
      case Opcode.reject: {
        const { reason } = decodeBhs('reject', pdu.bhs);
        throw new Failure('protocol_error', `the target rejects a PDU: reason 0x${hex(reason)}`);
      }
      default:
        throw new Failure('protocol_error', `the target sent ${describeOpcode(opcode)}`);
    }
  }

  #dataIn(pdu: Pdu): void {
    const { initiatorTaskTag, bufferOffset, hasStatus, status, statSN } = decodeBhs('dataIn', pdu.bhs);
    const running = this.#running.get(initiatorTaskTag);
    const isNext = running !== undefined && bufferOffset === running.received;
    if (!isNext || bufferOffset + pdu.data.length > running.data.length) {
      throw new Failure('protocol_error', 'the target sent data that nobody asked for, or not in order');
    }
    running.received += pdu.data.copy(running.data, bufferOffset);
    if (!hasStatus) return;
    this.#expStatSN = serialAdd(statSN, 1);
    this.#complete(initiatorTaskTag, status, Buffer.alloc(0));
  }

  #r2t(r2t: PduFields<'r2t'>): void {
    const { initiatorTaskTag, bufferOffset, desiredDataTransferLength } = r2t;
    const running = this.#running.get(initiatorTaskTag);
    const dataOut = running?.command.dataOut;
    const end = bufferOffset + desiredDataTransferLength;
    if (dataOut === undefined || end > dataOut.length || desiredDataTransferLength === 0) {
      throw new Failure('protocol_error', 'the target asks for data that there is not');
    }
    // DataSequenceInOrder=Yes; a target that could ask for the same data again and again could make us send for ever
    if (bufferOffset !== running!.sent) {
      throw new Failure('protocol_error', 'the target asks for data out of order, or twice');
    }
    running!.sent = end;
    const { digests, maxRecvDataSegmentLength } = this.#parameters;
    const how = { digests, maxLength: maxRecvDataSegmentLength.target, expStatSN: this.#expStatSN };
    for (const pdu of dataOutPdus(r2t, dataOut, how)) this.#send(pdu);
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
        cmdSN: this.#window.cmdSN,
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
    running.resolve({ status, data: running.data.subarray(0, running.received), sense });
  }

  #immediateLength(dataOut: Buffer | undefined): number {
    const { immediateData, firstBurstLength, maxRecvDataSegmentLength } = this.#parameters;
    return immediateData && dataOut
      ? Math.min(dataOut.length, firstBurstLength, maxRecvDataSegmentLength.target)
      : 0;
  }

  /** Sends a request as soon as the window lets it; settles when it is answered. */
  #submit(command: Command, encode: (numbers: Numbers) => Buffer): Promise<CommandResult> {
    return new Promise((resolve, reject) => {
      if (this.#error !== undefined) return reject(this.#error);
      const data = Buffer.alloc(command.readLength ?? 0);
      const start = (numbers: RequestNumbers): void => {
        const sent = this.#immediateLength(command.dataOut);
        const running = { command, data, received: 0, sent, resolve, reject };
        this.#running.set(numbers.initiatorTaskTag, running);
        this.#send(encode({ ...numbers, expStatSN: this.#expStatSN }));
      };
      this.#window.enter(start, reject);
    });
  }

  #send(pdu: Buffer): void {
    if (!this.#socket.destroyed) this.#socket.write(pdu);
  }

  #end(error: unknown): void {
    this.#error = error;
    this.#socket.destroy();
    for (const { reject } of this.#running.values()) reject(error);
    this.#running.clear();
    this.#window.close(error);
  }
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
