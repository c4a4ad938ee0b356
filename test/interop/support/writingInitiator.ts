import { dataOutPdus } from '../../../src/initiator/dataOutPdus.ts';
import { RequestWindow } from '../../../src/initiator/requestWindow.ts';
import { opcodeAt, RESERVED_TAG } from '../../../src/iscsi/bhs.ts';
import { decodeBhs, encodeBhs, type PduFields } from '../../../src/iscsi/layouts.ts';
import { encodeLun } from '../../../src/iscsi/lun.ts';
import { describeOpcode, Opcode } from '../../../src/iscsi/opcode.ts';
import { wirePdu, type Pdu } from '../../../src/iscsi/pdu.ts';
import { serialAdd } from '../../../src/iscsi/serialArithmetic.ts';
import type { NegotiatedParameters } from '../../../src/login/negotiation.ts';
import type { PduConnection } from '../../../src/transport/pduConnection.ts';
import { openSession, type Dial, type OpenSession } from './openSession.ts';
import type { Disk } from './qemu.ts';
import type { Resources } from './resources.ts';

/** How data goes to the target: in the command's PDU, right behind it, or only when an R2T asks for it. */
export const DATA_PATHS = ['immediate', 'unsolicited', 'solicited'] as const;

export type DataPath = (typeof DATA_PATHS)[number];

export interface ScsiCommand {
  /** As long as it is; what goes beyond 16 bytes travels in an AHS. */
  readonly cdb: Buffer;
  /** LUN 1 unless told. */
  readonly lun?: number;
  readonly readLength?: number;
  readonly dataOut?: Buffer;
  /** Without it the data is solicited. */
  readonly path?: DataPath;
}

export interface ScsiAnswer {
  readonly status: number;
  /** `key/code/qualifier` in hexadecimal, e.g. `07/27/00`; empty without sense data. */
  readonly sense: string;
  readonly residual: number;
  readonly data: Buffer;
}

/** AsyncEvent: the target requests a logout (RFC 7143 §11.9.1). */
const LOGOUT_EVENT = 1;

export const TEST_UNIT_READY = Buffer.alloc(6);

interface Running {
  readonly command: ScsiCommand;
  readonly data: Buffer;
  readonly resolve: (answer: ScsiAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** One session that sends data by the path that a test chooses. A StatSN that is not the next one ends it. */
export class WritingInitiator {
  readonly parameters: NegotiatedParameters;
  readonly #connection: PduConnection;
  readonly #running = new Map<number, Running>();
  readonly #window: RequestWindow;
  #onEnded = (_error: unknown): void => {};
  #onLogoutAsked = (_isAsked: boolean): void => {};
  /** Resolves when the connection has ended, with why. */
  readonly ended = new Promise<unknown>((resolve) => (this.#onEnded = resolve));
  /** Resolves with true when the target asks for a logout, about which nothing is done here, with false when it just ends. */
  readonly logoutAsked = new Promise<boolean>((resolve) => (this.#onLogoutAsked = resolve));
  #expStatSN: number;

  private constructor({ connection, parameters, maxCmdSN, expStatSN }: OpenSession) {
    this.#connection = connection;
    this.parameters = parameters;
    this.#window = new RequestWindow(maxCmdSN);
    this.#expStatSN = expStatSN;
    void this.#read();
  }

  /** @param dial plain TCP unless told */
  static async logIn(opened: Resources, disk: Disk, dial?: Dial): Promise<WritingInitiator> {
    const initiator = new WritingInitiator(await openSession(opened, disk, dial));
    // a new session finds a unit attention at each logical unit
    await initiator.execute({ cdb: TEST_UNIT_READY, ...(disk.lun !== undefined && { lun: disk.lun }) });
    return initiator;
  }

  /** Runs one command to its status; any number may be under way. @throws what ended the session */
  execute(command: ScsiCommand): Promise<ScsiAnswer> {
    return new Promise((resolve, reject) => {
      this.#window.enter((numbers) => {
        const data = Buffer.alloc(command.readLength ?? 0);
        this.#running.set(numbers.initiatorTaskTag, { command, data, resolve, reject });
        this.#send(command, numbers);
      }, reject);
    });
  }

  /** Runs commands so that `depth` of them are under way at any time. @returns the answers in the commands' order */
  async executeAll(commands: readonly ScsiCommand[], depth: number): Promise<ScsiAnswer[]> {
    const answers: ScsiAnswer[] = [];
    const left = commands.entries();
    const worker = async (): Promise<void> => {
      for (const [index, command] of left) answers[index] = await this.execute(command);
    };
    await Promise.all(Array.from({ length: depth }, worker));
    return answers;
  }

  /** Closes the session (RFC 7143 §11.14.1), commands under way or not, and waits for the connection's end. */
  async logOut(): Promise<void> {
    const { cmdSN } = this.#window;
    const fields = { immediate: true, final: true, initiatorTaskTag: this.#window.takeTag(), cmdSN };
    const bhs = encodeBhs('logoutRequest', { ...fields, expStatSN: this.#expStatSN });
    this.#write(wirePdu(bhs, Buffer.alloc(0), Buffer.alloc(0), this.parameters.digests));
    await this.ended;
  }

  #send(command: ScsiCommand, numbers: { initiatorTaskTag: number; cmdSN: number }): void {
    const { lun = 1, readLength = 0, dataOut, path = 'solicited' } = command;
    const { initiatorTaskTag } = numbers;
    const immediate = path === 'immediate' ? dataOut : undefined;
    const unsolicited = path === 'unsolicited' ? dataOut : undefined;
    const cdb = Buffer.alloc(16);
    command.cdb.copy(cdb);
    const bhs = encodeBhs('scsiCommand', {
      ...numbers,
      expStatSN: this.#expStatSN,
      final: unsolicited === undefined,
      read: readLength > 0,
      write: dataOut !== undefined,
      attributes: 1,
      lun: encodeLun(lun),
      expectedDataTransferLength: dataOut?.length ?? readLength,
      cdb,
    });
    const { digests } = this.parameters;
    this.#write(wirePdu(bhs, extendedCdb(command.cdb), immediate ?? Buffer.alloc(0), digests));
    if (unsolicited === undefined) return;
    const all = { targetTransferTag: RESERVED_TAG, desiredDataTransferLength: unsolicited.length };
    const r2t = decodeBhs('r2t', encodeBhs('r2t', { initiatorTaskTag, ...all }));
    this.#sendData(r2t, unsolicited);
  }

  /** In pieces of 64 KiB at most: more than one Data-Out is what makes it interesting. */
  #sendData(r2t: PduFields<'r2t'>, data: Buffer): void {
    const { digests, maxRecvDataSegmentLength } = this.parameters;
    const maxLength = Math.min(maxRecvDataSegmentLength.target, 64 * 1024);
    for (const pdu of dataOutPdus(r2t, data, { digests, maxLength, expStatSN: this.#expStatSN })) {
      this.#write(pdu);
    }
  }

  #write(pdu: Buffer): void {
    void this.#connection.write(pdu);
  }

  async #read(): Promise<void> {
    let error: unknown = new Error('the target closed the connection');
    try {
      for (let pdu = await this.#connection.next(); pdu; pdu = await this.#connection.next()) {
        this.#receive(pdu);
      }
    } catch (thrown) {
      error = thrown;
    }
    for (const { reject } of this.#running.values()) reject(error);
    this.#window.close(error);
    this.#onEnded(error);
    this.#onLogoutAsked(false);
  }

  #receive(pdu: Pdu): void {
    const opcode = opcodeAt(pdu.bhs, 0);
    this.#window.widen(decodeBhs('nopIn', pdu.bhs).maxCmdSN);
    switch (opcode) {
      case Opcode.dataIn:
        return this.#dataIn(pdu);
      case Opcode.r2t: {
        const r2t = decodeBhs('r2t', pdu.bhs);
        return this.#sendData(r2t, this.#running.get(r2t.initiatorTaskTag)!.command.dataOut!);
      }
      case Opcode.scsiResponse: {
        const fields = decodeBhs('scsiResponse', pdu.bhs);
        if (fields.response !== 0) throw new Error(`iSCSI response ${fields.response}`);
        return this.#complete(fields, senseOf(pdu.data));
      }
      case Opcode.asyncMessage: {
        const { statSN, event } = decodeBhs('asyncMessage', pdu.bhs);
        if (event !== LOGOUT_EVENT) throw new Error(`the target reports event ${event}`);
        this.#countStatSN(statSN);
        return this.#onLogoutAsked(true);
      }
      case Opcode.logoutResponse:
        return this.#countStatSN(decodeBhs('logoutResponse', pdu.bhs).statSN);
      default:
        throw new Error(`the target sent ${describeOpcode(opcode)}`);
    }
  }

  #dataIn(pdu: Pdu): void {
    const fields = decodeBhs('dataIn', pdu.bhs);
    pdu.data.copy(this.#running.get(fields.initiatorTaskTag)!.data, fields.bufferOffset);
    if (fields.hasStatus) this.#complete(fields, '');
  }

  #complete(
    {
      initiatorTaskTag,
      statSN,
      status,
      residualCount,
    }: Pick<PduFields<'scsiResponse'>, 'initiatorTaskTag' | 'statSN' | 'status' | 'residualCount'>,
    sense: string,
  ): void {
    this.#countStatSN(statSN);
    const running = this.#running.get(initiatorTaskTag);
    if (running === undefined) throw new Error('an answer to a command that is not under way');
    this.#running.delete(initiatorTaskTag);
    running.resolve({ status, sense, residual: residualCount, data: running.data });
  }

  #countStatSN(statSN: number): void {
    if (statSN !== this.#expStatSN)
      throw new Error(`StatSN ${statSN} came where ${this.#expStatSN} was next`);
    this.#expStatSN = serialAdd(statSN, 1);
  }
}

/** RFC 7143 §11.2.2.3: the CDB from byte 16 on. */
function extendedCdb(cdb: Buffer): Buffer {
  if (cdb.length <= 16) return Buffer.alloc(0);
  const rest = cdb.subarray(16);
  const ahs = Buffer.alloc(4 + rest.length);
  ahs.writeUInt16BE(1 + rest.length, 0);
  ahs[2] = 1;
  rest.copy(ahs, 4);
  return ahs;
}

/** Fixed and descriptor format (SPC-5 §4.4). */
function senseOf(segment: Buffer): string {
  const sense = segment.subarray(2);
  if (sense.length < 4) return '';
  const isFixed = (sense[0]! & 0x7f) <= 0x71;
  const bytes = isFixed
    ? [sense[2]! & 0x0f, sense[12]!, sense[13]!]
    : [sense[1]! & 0x0f, sense[2]!, sense[3]!];
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('/');
}
