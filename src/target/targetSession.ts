import { answerSessionText } from '../discovery/sessionText.ts';
import { opcodeAt, RESERVED_TAG } from '../iscsi/bhs.ts';
import { decodeBhs, type PduFields, type PduKind } from '../iscsi/layouts.ts';
import { Opcode } from '../iscsi/opcode.ts';
import { encodePdu, type Pdu } from '../iscsi/pdu.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import { serialAdd } from '../iscsi/serial.ts';
import type { TargetAddress } from '../iscsi/targetAddress.ts';
import { parseKeys } from '../iscsi/text.ts';
import type { NegotiatedParameters } from '../login/negotiation.ts';
import { OperationCode } from '../scsi/operationCode.ts';
import { AdditionalSense, SenseKey } from '../scsi/sense.ts';
import { ScsiStatus } from '../scsi/status.ts';
import type { DiskTarget, SessionOnTarget } from './diskTarget.ts';
import { absentLunResult, reportLuns } from './reportLuns.ts';
import { checkCondition, type ScsiResult } from './scsiTask.ts';
import { residual, TargetTask } from './targetTask.ts';
import { manageTasks, type TaskOwner } from './taskManagement.ts';
import { TransferBudget } from './transferBudget.ts';

/** Commands that one session may have under way. */
const WINDOW = 64;
const REJECT_COMMAND_NOT_SUPPORTED = 0x05;

export interface TargetSessionOptions {
  readonly target: DiskTarget;
  /** `name,i,0x` and the ISID (RFC 7143 §4.4.2). */
  readonly initiatorPort: string;
  readonly parameters: NegotiatedParameters;
  readonly statSN: number;
  /** Number of the first command. */
  readonly cmdSN: number;
  /** Where the initiator reached us. */
  readonly address: TargetAddress;
  /** Resolves when more may be written. */
  readonly send: (pdu: Buffer) => Promise<void>;
  /** Closes the connection. */
  readonly end: () => void;
}

/** The target's side of full feature phase (RFC 7143 §4.2): commands in, data and responses out. */
export class TargetSession implements SessionOnTarget, TaskOwner {
  readonly initiatorPort: string;
  readonly #options: TargetSessionOptions;
  readonly #tasks = new Map<number, TargetTask>();
  readonly #budget = new TransferBudget();
  #statSN: number;
  #expCmdSN: number;
  #nextTransferTag = 1;

  constructor(options: TargetSessionOptions) {
    this.#options = options;
    this.initiatorPort = options.initiatorPort;
    this.#statSN = options.statSN;
    this.#expCmdSN = options.cmdSN;
  }

  /**
   * Takes the next PDU.
   *
   * @returns false when the session is over
   * @throws ProtocolError: the connection is to be closed
   */
  async receive(pdu: Pdu): Promise<boolean> {
    const opcode = opcodeAt(pdu.bhs, 0);
    if (opcode === Opcode.dataOut) {
      await this.#dataOut(pdu);
      return true;
    }
    if (!this.#takeCommandNumber(pdu, opcode)) return true;
    switch (opcode) {
      case Opcode.scsiCommand:
        await this.#scsiCommand(pdu);
        return true;
      case Opcode.nopOut:
        await this.#nopOut(pdu);
        return true;
      case Opcode.taskManagementRequest: {
        const request = decodeBhs('taskManagementRequest', pdu.bhs);
        const response = manageTasks(request, this, this.#options.target);
        await this.#respond('taskManagementResponse', { response }, request.initiatorTaskTag);
        return true;
      }
      case Opcode.textRequest:
        await this.#text(pdu);
        return true;
      case Opcode.logoutRequest:
        await this.#respond('logoutResponse', {}, decodeBhs('logoutRequest', pdu.bhs).initiatorTaskTag);
        return false;
      case Opcode.loginRequest:
        throw new ProtocolError('bad_opcode', 'a Login Request in full feature phase');
      default:
        await this.#respond('reject', { reason: REJECT_COMMAND_NOT_SUPPORTED }, RESERVED_TAG, pdu.bhs);
        return true;
    }
  }

  /** Ends the connection, and with it the session. */
  end(): void {
    this.#options.end();
  }

  task(initiatorTaskTag: number): TargetTask | undefined {
    return this.#tasks.get(initiatorTaskTag);
  }

  /** No task that matches answers any more. */
  abortTasks(matches: (task: TargetTask) => boolean): void {
    for (const [tag, task] of this.#tasks) {
      if (!matches(task)) continue;
      task.isAborted = true;
      this.#tasks.delete(tag);
    }
  }

  /** Commands outside the window are ignored (RFC 7143 §4.2.2.1); on one connection a gap can't be. */
  #takeCommandNumber(pdu: Pdu, opcode: number): boolean {
    const { cmdSN, immediate } = decodeBhs('nopOut', pdu.bhs);
    if (opcode === Opcode.snackRequest) return true;
    if (immediate) return true;
    if (cmdSN !== this.#expCmdSN || this.#tasks.size >= WINDOW) return false;
    this.#expCmdSN = serialAdd(cmdSN, 1);
    return true;
  }

  async #scsiCommand(pdu: Pdu): Promise<void> {
    const { initiatorTaskTag } = decodeBhs('scsiCommand', pdu.bhs);
    if (initiatorTaskTag === RESERVED_TAG || this.#tasks.has(initiatorTaskTag)) {
      throw new ProtocolError('bad_sequence', 'a SCSI Command whose task tag is reserved or in use');
    }
    const task = new TargetTask(pdu, this.#options.parameters);
    this.#tasks.set(initiatorTaskTag, task);
    await this.#advance(task);
  }

  async #dataOut(pdu: Pdu): Promise<void> {
    const { initiatorTaskTag } = decodeBhs('dataOut', pdu.bhs);
    const task = this.#tasks.get(initiatorTaskTag);
    if (task === undefined) return; // aborted or refused while its data was on the way
    try {
      task.dataOut(pdu);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      await this.#finish(task, checkCondition(SenseKey.abortedCommand, AdditionalSense.dataPhaseError));
      return;
    }
    await this.#advance(task);
  }

  /** Refuses, asks for more data, or starts the task, whichever is next. */
  async #advance(task: TargetTask): Promise<void> {
    if (task.isReceiving) return;
    const { cdb, expectedDataTransferLength } = task.command;
    const unit = typeof task.lun === 'number' ? this.#options.target.units.get(task.lun) : undefined;
    const nexus = { initiatorPort: this.initiatorPort };
    if (!task.isComplete) {
      const refusal = unit?.refuse({ cdb, nexus }) ?? (unit === undefined ? absentLunResult(cdb) : undefined);
      if (refusal !== undefined) return this.#finish(task, refusal);
      const targetTransferTag = this.#nextTransferTag++ % RESERVED_TAG;
      const { r2tSN, bufferOffset, length } = task.solicit(targetTransferTag);
      const { initiatorTaskTag, lun } = task.command;
      const numbers = { statSN: this.#statSN, ...this.#window() };
      const asked = { r2tSN, bufferOffset, desiredDataTransferLength: length };
      return this.#send('r2t', {
        final: true,
        initiatorTaskTag,
        lun,
        targetTransferTag,
        ...numbers,
        ...asked,
      });
    }
    const bytes = Math.max(task.wanted, expectedDataTransferLength);
    this.#budget.run(bytes, async () => {
      if (task.isAborted) return;
      const isReportLuns = cdb[0] === OperationCode.reportLuns;
      const result = isReportLuns
        ? reportLuns([...this.#options.target.units.keys()], cdb)
        : unit === undefined
          ? absentLunResult(cdb)
          : await unit.execute({ cdb, nexus, dataOut: task.takeData() });
      await this.#finish(task, result);
    });
  }

  async #finish(task: TargetTask, result: ScsiResult): Promise<void> {
    if (task.isAborted) return;
    const { initiatorTaskTag, expectedDataTransferLength, read } = task.command;
    const data = result.dataIn ?? Buffer.alloc(0);
    const sent = data.subarray(0, read ? expectedDataTransferLength : 0);
    const left = residual(expectedDataTransferLength, Math.max(task.needed, data.length));
    const status = { status: result.status, ...left };
    const collapses = sent.length > 0 && result.status === ScsiStatus.good;
    await this.#dataIn(task, sent, collapses ? status : undefined);
    if (task.isAborted) return;
    this.#tasks.delete(initiatorTaskTag);
    if (!collapses) await this.#respond('scsiResponse', status, initiatorTaskTag, senseSegment(result.sense));
  }

  /** Data-In in pieces that the initiator takes, F at the end of each burst, status in the last one. */
  async #dataIn(
    task: TargetTask,
    data: Buffer,
    status: Partial<PduFields<'dataIn'>> | undefined,
  ): Promise<void> {
    const { parameters } = this.#options;
    const maxSegment = parameters.maxRecvDataSegmentLength.initiator;
    const { initiatorTaskTag } = task.command;
    let dataSN = 0;
    for (let bufferOffset = 0; bufferOffset < data.length && !task.isAborted;) {
      const burstLeft = parameters.maxBurstLength - (bufferOffset % parameters.maxBurstLength);
      const piece = data.subarray(bufferOffset, bufferOffset + Math.min(maxSegment, burstLeft));
      const isLast = bufferOffset + piece.length === data.length;
      const fields: Partial<PduFields<'dataIn'>> = {
        final: isLast || piece.length === burstLeft,
        initiatorTaskTag,
        targetTransferTag: RESERVED_TAG,
        dataSN: dataSN++,
        bufferOffset,
      };
      if (isLast && status !== undefined) {
        this.#tasks.delete(initiatorTaskTag);
        Object.assign(fields, status, { hasStatus: true, statSN: this.#takeStatSN() });
      }
      bufferOffset += piece.length;
      await this.#send('dataIn', { ...fields, ...this.#window() }, piece);
    }
  }

  async #nopOut(pdu: Pdu): Promise<void> {
    const { initiatorTaskTag, lun } = decodeBhs('nopOut', pdu.bhs);
    if (initiatorTaskTag === RESERVED_TAG) return; // answers a ping of ours; we send none
    await this.#respond('nopIn', { lun, targetTransferTag: RESERVED_TAG }, initiatorTaskTag, pdu.data);
  }

  async #text(pdu: Pdu): Promise<void> {
    const { initiatorTaskTag, continues, targetTransferTag } = decodeBhs('textRequest', pdu.bhs);
    if (continues || targetTransferTag !== RESERVED_TAG) {
      throw new ProtocolError('bad_flags', 'a Text Request in pieces in a Normal session');
    }
    const { target, address } = this.#options;
    const answer = answerSessionText(parseKeys(pdu.data), target.record(address));
    await this.#respond('textResponse', { targetTransferTag: RESERVED_TAG }, initiatorTaskTag, answer);
  }

  /** Sends a PDU that uses up a StatSN. */
  #respond<
    K extends
      'scsiResponse' | 'taskManagementResponse' | 'logoutResponse' | 'nopIn' | 'textResponse' | 'reject',
  >(kind: K, fields: Partial<PduFields<K>>, initiatorTaskTag: number, data?: Buffer): Promise<void> {
    const statSN = this.#takeStatSN();
    return this.#send(kind, { final: true, ...fields, initiatorTaskTag, statSN, ...this.#window() }, data);
  }

  #send<K extends PduKind>(kind: K, fields: Partial<PduFields<K>>, data?: Buffer): Promise<void> {
    return this.#options.send(encodePdu(kind, fields, data, this.#options.parameters.digests));
  }

  #takeStatSN(): number {
    const statSN = this.#statSN;
    this.#statSN = serialAdd(statSN, 1);
    return statSN;
  }

  /** The window closes as tasks come in and opens as they end, so that MaxCmdSN never goes back. */
  #window(): { expCmdSN: number; maxCmdSN: number } {
    return { expCmdSN: this.#expCmdSN, maxCmdSN: serialAdd(this.#expCmdSN, WINDOW - 1 - this.#tasks.size) };
  }
}

/** Sense data as a SCSI Response carries it: its length in front (RFC 7143 §11.4.7.2). */
function senseSegment(sense: Buffer | undefined): Buffer {
  if (sense === undefined) return Buffer.alloc(0);
  const segment = Buffer.alloc(2 + sense.length);
  segment.writeUInt16BE(sense.length);
  sense.copy(segment, 2);
  return segment;
}
