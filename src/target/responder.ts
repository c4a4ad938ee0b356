import { RESERVED_TAG } from '../iscsi/bhs.ts';
import type { PduFields, PduKind } from '../iscsi/layouts.ts';
import { encodePdu, type Pdu } from '../iscsi/pdu.ts';
import { serialAdd } from '../iscsi/serialArithmetic.ts';
import type { NegotiatedParameters } from '../login/negotiation.ts';
import type { TargetTask } from './targetTask.ts';

/** PDUs that may wait for the connection to take them before no more requests are read. */
const MAX_SENDING = 64;

/** RFC 7143 §11.17.1. */
export const RejectReason = {
  protocolError: 0x04,
  commandNotSupported: 0x05,
  tooManyImmediateCommands: 0x06,
} as const;

export interface ResponderOptions {
  readonly parameters: NegotiatedParameters;
  readonly statSN: number;
  /** Resolves when more may be written. */
  readonly send: (pdu: Buffer) => Promise<void>;
  readonly window: () => Pick<PduFields<'nopIn'>, 'expCmdSN' | 'maxCmdSN'>;
}

type ResponseKind =
  'scsiResponse' | 'taskManagementResponse' | 'logoutResponse' | 'nopIn' | 'textResponse' | 'reject';

/** What a session sends: numbers it (StatSN, ExpCmdSN, MaxCmdSN), and cuts data into pieces that the initiator takes. */
export class Responder {
  readonly #options: ResponderOptions;
  /** PDUs that the connection has not taken yet. */
  readonly #sending = new Set<Promise<void>>();
  #statSN: number;

  constructor(options: ResponderOptions) {
    this.#options = options;
    this.#statSN = options.statSN;
  }

  /** Resolves when the initiator has read enough of what was sent: one that only sends piles up no answers here. */
  async ready(): Promise<void> {
    while (this.#sending.size >= MAX_SENDING) await Promise.race(this.#sending);
  }

  /** Sends a PDU that uses up a StatSN. */
  respond<K extends ResponseKind>(
    kind: K,
    fields: Partial<PduFields<K>>,
    initiatorTaskTag: number,
    data?: Buffer,
  ): Promise<void> {
    const numbers = { statSN: this.#takeStatSN(), ...this.#options.window() };
    return this.#send(kind, { final: true, ...fields, initiatorTaskTag, ...numbers }, data);
  }

  reject(pdu: Pdu, reason: number): Promise<void> {
    return this.respond('reject', { reason }, RESERVED_TAG, pdu.bhs);
  }

  solicit(task: TargetTask, targetTransferTag: number): Promise<void> {
    const { initiatorTaskTag, lun } = task.command;
    const numbers = { statSN: this.#statSN, ...this.#options.window() };
    const asked = task.solicit(targetTransferTag);
    return this.#send('r2t', { final: true, initiatorTaskTag, lun, ...asked, ...numbers });
  }

  /**
   * Sends Data-In in pieces that the initiator takes, F at the end of each burst; stops when the task is aborted.
   *
   * @param status gives what the last piece carries of the task's end; without it a response follows
   */
  async dataIn(
    task: TargetTask,
    data: Buffer,
    status: (() => Partial<PduFields<'dataIn'>>) | undefined,
  ): Promise<void> {
    const { maxBurstLength, maxRecvDataSegmentLength } = this.#options.parameters;
    const { initiatorTaskTag } = task.command;
    let dataSN = 0;
    for (let bufferOffset = 0; bufferOffset < data.length && !task.isAborted;) {
      const burstLeft = maxBurstLength - (bufferOffset % maxBurstLength);
      const length = Math.min(maxRecvDataSegmentLength.initiator, burstLeft);
      const piece = data.subarray(bufferOffset, bufferOffset + length);
      const isLast = bufferOffset + piece.length === data.length;
      const fields = {
        final: isLast || piece.length === burstLeft,
        initiatorTaskTag,
        targetTransferTag: RESERVED_TAG,
        dataSN: dataSN++,
        bufferOffset,
        ...(isLast && status && { ...status(), hasStatus: true, statSN: this.#takeStatSN() }),
      };
      bufferOffset += piece.length;
      await this.#send('dataIn', { ...fields, ...this.#options.window() }, piece);
    }
  }

  #send<K extends PduKind>(kind: K, fields: Partial<PduFields<K>>, data?: Buffer): Promise<void> {
    const sent = this.#options.send(encodePdu(kind, fields, data, this.#options.parameters.digests));
    this.#sending.add(sent);
    return sent.finally(() => this.#sending.delete(sent));
  }

  #takeStatSN(): number {
    const statSN = this.#statSN;
    this.#statSN = serialAdd(statSN, 1);
    return statSN;
  }
}
