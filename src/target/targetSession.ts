import { answerSessionText } from '../discovery/sessionText.ts';
import { opcodeAt, RESERVED_TAG } from '../iscsi/bhs.ts';
import { decodeBhs, type PduFields } from '../iscsi/layouts.ts';
import { Opcode } from '../iscsi/opcode.ts';
import type { Pdu } from '../iscsi/pdu.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import { encodeSenseSegment, residual } from '../iscsi/scsiResponse.ts';
import { serialAdd } from '../iscsi/serialArithmetic.ts';
import type { TargetAddress } from '../iscsi/targetAddress.ts';
import { parseKeys } from '../iscsi/text.ts';
import { OperationCode } from '../scsi/operationCode.ts';
import { AdditionalSense, SenseKey } from '../scsi/sense.ts';
import { ScsiStatus } from '../scsi/status.ts';
import type { DiskTarget, SessionOnTarget } from './diskTarget.ts';
import type { LogicalUnit } from './logicalUnit.ts';
import { absentLunResult, reportLuns } from './reportLuns.ts';
import { RejectReason, Responder, type ResponderOptions } from './responder.ts';
import { checkCondition, type ScsiResult } from './scsiTask.ts';
import { TargetTask } from './targetTask.ts';
import { manageTasks, type TaskOwner } from './taskManagement.ts';
import { TransferBudget } from './transferBudget.ts';

/** Commands that one session may have under way, and immediate ones besides. */
const WINDOW = 64;
const MAX_IMMEDIATE = 8;

/** RFC 7143 §11.14.1, §11.15.1. */
const LOGOUT_FOR_RECOVERY = 2;
const RECOVERY_NOT_SUPPORTED = 2;

/** Opcodes whose PDUs count in CmdSN, so that they have their turn. */
const NUMBERED: ReadonlySet<number> = new Set([
  Opcode.nopOut,
  Opcode.scsiCommand,
  Opcode.taskManagementRequest,
  Opcode.textRequest,
  Opcode.logoutRequest,
]);

export interface TargetSessionOptions extends Omit<ResponderOptions, 'window'> {
  readonly target: DiskTarget;
  /** `name,i,0x` and the ISID (RFC 7143 §4.4.2). */
  readonly initiatorPort: string;
  /** Number of the first command. */
  readonly cmdSN: number;
  /** Where the initiator reached us. */
  readonly address: TargetAddress;
  /** Closes the connection. */
  readonly end: () => void;
}

/** The target's side of full feature phase (RFC 7143 §4.2): commands in, data and responses out. */
export class TargetSession implements SessionOnTarget, TaskOwner {
  readonly initiatorPort: string;
  readonly #options: TargetSessionOptions;
  readonly #tasks = new Map<number, TargetTask>();
  /** Tasks that the logical unit has in hand. */
  readonly #running = new Set<TargetTask>();
  readonly #budget = new TransferBudget();
  readonly #responder: Responder;
  #immediateTasks = 0;
  #isOver = false;
  #expCmdSN: number;
  #nextTransferTag = 1;

  constructor(options: TargetSessionOptions) {
    this.#options = options;
    this.initiatorPort = options.initiatorPort;
    this.#responder = new Responder({ ...options, window: () => this.#window() });
    this.#expCmdSN = options.cmdSN;
  }

  /**
   * Takes the next PDU.
   *
   * @returns false when the session is over
   * @throws ProtocolError: the connection is to be closed
   */
  async receive(pdu: Pdu): Promise<boolean> {
    await this.#responder.ready();
    if (this.#isOver) return false;
    const opcode = opcodeAt(pdu.bhs, 0);
    if (opcode === Opcode.dataOut) {
      await this.#dataOut(pdu);
      return true;
    }
    if (!this.#takeCommandNumber(pdu, opcode) && NUMBERED.has(opcode)) return true;
    switch (opcode) {
      case Opcode.scsiCommand:
        await this.#scsiCommand(pdu);
        return true;
      case Opcode.nopOut:
        await this.#nopOut(pdu);
        return true;
      case Opcode.taskManagementRequest: {
        const request = decodeBhs('taskManagementRequest', pdu.bhs);
        const response = await manageTasks(request, this, this.#options.target);
        await this.#responder.respond('taskManagementResponse', { response }, request.initiatorTaskTag);
        return true;
      }
      case Opcode.textRequest:
        await this.#text(pdu);
        return true;
      case Opcode.logoutRequest:
        return this.#logout(pdu);
      case Opcode.loginRequest:
        throw new ProtocolError('bad_opcode', 'a Login Request in full feature phase');
      default:
        await this.#responder.reject(pdu, RejectReason.commandNotSupported);
        return true;
    }
  }

  /** Ends the connection, and with it the session: nothing that has come is carried out any more. */
  end(): void {
    this.#isOver = true;
    this.abortTasks(() => true);
    this.#options.end();
  }

  get isBusy(): boolean {
    return this.#running.size > 0;
  }

  task(initiatorTaskTag: number): TargetTask | undefined {
    return this.#tasks.get(initiatorTaskTag);
  }

  /** No task that matches answers any more. Gives their number. */
  abortTasks(matches: (task: TargetTask) => boolean): number {
    const aborted = [...this.#tasks.values()].filter(matches);
    for (const task of aborted) {
      task.abort();
      this.#forget(task);
    }
    for (const task of aborted) if (!this.#running.has(task)) this.#budget.release(task);
    return aborted.length;
  }

  /** Commands outside the window are ignored (RFC 7143 §4.2.2.1); on one connection a gap can't be. */
  #takeCommandNumber(pdu: Pdu, opcode: number): boolean {
    const { cmdSN, immediate } = decodeBhs('nopOut', pdu.bhs);
    if (immediate || opcode === Opcode.snackRequest) return true;
    if (cmdSN !== this.#expCmdSN || this.#numberedTasks >= WINDOW) return false;
    this.#expCmdSN = serialAdd(cmdSN, 1);
    return true;
  }

  async #scsiCommand(pdu: Pdu): Promise<void> {
    const { initiatorTaskTag, immediate } = decodeBhs('scsiCommand', pdu.bhs);
    if (initiatorTaskTag === RESERVED_TAG || this.#tasks.has(initiatorTaskTag)) {
      throw new ProtocolError('bad_sequence', 'a SCSI Command whose task tag is reserved or in use');
    }
    if (immediate && this.#immediateTasks >= MAX_IMMEDIATE) {
      return this.#responder.reject(pdu, RejectReason.tooManyImmediateCommands);
    }
    const task = new TargetTask(pdu, this.#options.parameters);
    this.#tasks.set(initiatorTaskTag, task);
    if (immediate) this.#immediateTasks++;
    if (!task.isReceiving) await this.#admit(task);
  }

  async #dataOut(pdu: Pdu): Promise<void> {
    const { initiatorTaskTag } = decodeBhs('dataOut', pdu.bhs);
    const task = this.#tasks.get(initiatorTaskTag);
    if (task === undefined) return; // aborted or refused while its data was on the way
    if (!task.isReceiving) return this.#responder.reject(pdu, RejectReason.protocolError);
    const isUnsolicited = task.isUnsolicited;
    try {
      task.dataOut(pdu);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const dataPhaseError = checkCondition(SenseKey.abortedCommand, AdditionalSense.dataPhaseError);
      await this.#finish(task, dataPhaseError);
      this.#budget.release(task);
      return;
    }
    if (task.isReceiving) return;
    await (isUnsolicited ? this.#admit(task) : this.#advance(task));
  }

  /** Everything unasked has come: refuses the task, or lets it go on as soon as there is room for what it moves. */
  async #admit(task: TargetTask): Promise<void> {
    if (!task.isComplete) {
      const { cdb } = task.command;
      const unit = this.#unit(task);
      const refusal = unit === undefined ? absentLunResult(cdb) : unit.refuse({ cdb, nexus: this });
      if (refusal !== undefined) return this.#finish(task, refusal);
    }
    this.#budget.reserve(task, task.held, () => {
      if (!task.isAborted) void this.#advance(task);
    });
  }

  /** Asks for the next burst, or carries the task out. */
  #advance(task: TargetTask): Promise<void> {
    return task.isComplete
      ? this.#run(task)
      : this.#responder.solicit(task, this.#nextTransferTag++ % RESERVED_TAG);
  }

  async #run(task: TargetTask): Promise<void> {
    const { cdb } = task.command;
    const unit = this.#unit(task);
    this.#running.add(task);
    const isReportLuns = cdb[0] === OperationCode.reportLuns;
    const result = isReportLuns
      ? reportLuns([...this.#options.target.units.keys()], cdb)
      : unit === undefined
        ? absentLunResult(cdb)
        : await unit.execute({ cdb, nexus: this, dataOut: task.takeData() });
    await this.#finish(task, result);
    this.#running.delete(task);
    this.#budget.release(task);
  }

  #unit(task: TargetTask): LogicalUnit | undefined {
    return typeof task.lun === 'number' ? this.#options.target.units.get(task.lun) : undefined;
  }

  async #finish(task: TargetTask, result: ScsiResult): Promise<void> {
    if (task.isAborted) return;
    const { expectedDataTransferLength, read } = task.command;
    const data = result.dataIn ?? Buffer.alloc(0);
    const sent = data.subarray(0, read ? expectedDataTransferLength : 0);
    const left = residual(expectedDataTransferLength, Math.max(task.needed, data.length));
    const end = (): Pick<PduFields<'dataIn'>, 'status'> => {
      this.#forget(task);
      return { status: result.status, ...left };
    };
    const collapses = sent.length > 0 && result.status === ScsiStatus.good;
    await this.#responder.dataIn(task, sent, collapses ? end : undefined);
    if (collapses || task.isAborted) return;
    await this.#responder.respond(
      'scsiResponse',
      end(),
      task.command.initiatorTaskTag,
      encodeSenseSegment(result.sense),
    );
  }

  async #nopOut(pdu: Pdu): Promise<void> {
    const { initiatorTaskTag, lun } = decodeBhs('nopOut', pdu.bhs);
    if (initiatorTaskTag === RESERVED_TAG) return; // answers a ping of ours; we send none
    // as much of the ping data as the initiator takes (RFC 7143 §11.18.3)
    const data = pdu.data.subarray(0, this.#options.parameters.maxRecvDataSegmentLength.initiator);
    await this.#responder.respond('nopIn', { lun, targetTransferTag: RESERVED_TAG }, initiatorTaskTag, data);
  }

  async #text(pdu: Pdu): Promise<void> {
    const { initiatorTaskTag, continues, targetTransferTag } = decodeBhs('textRequest', pdu.bhs);
    if (continues || targetTransferTag !== RESERVED_TAG) {
      throw new ProtocolError('bad_flags', 'a Text Request in pieces in a Normal session');
    }
    const { target, address } = this.#options;
    const { text } = answerSessionText(parseKeys(pdu.data), target.record(address));
    await this.#responder.respond(
      'textResponse',
      { targetTransferTag: RESERVED_TAG },
      initiatorTaskTag,
      text,
    );
  }

  async #logout(pdu: Pdu): Promise<boolean> {
    const { initiatorTaskTag, reason } = decodeBhs('logoutRequest', pdu.bhs);
    if (reason === LOGOUT_FOR_RECOVERY) {
      await this.#responder.respond('logoutResponse', { response: RECOVERY_NOT_SUPPORTED }, initiatorTaskTag);
      return true;
    }
    this.abortTasks(() => true); // nothing follows a Logout Response (RFC 7143 §11.14)
    this.#isOver = true;
    await this.#responder.respond('logoutResponse', {}, initiatorTaskTag);
    return false;
  }

  #forget(task: TargetTask): void {
    this.#tasks.delete(task.command.initiatorTaskTag);
    if (task.command.immediate) this.#immediateTasks--;
  }

  get #numberedTasks(): number {
    return this.#tasks.size - this.#immediateTasks;
  }

  /** The window closes as tasks come in and opens as they end, so that MaxCmdSN never goes back. */
  #window(): { expCmdSN: number; maxCmdSN: number } {
    const free = WINDOW - this.#numberedTasks;
    return { expCmdSN: this.#expCmdSN, maxCmdSN: serialAdd(this.#expCmdSN, free - 1) };
  }
}
