import { RESERVED_TAG, u32At } from '../../../src/iscsi/bhs.ts';
import type { PduFields, PduKind } from '../../../src/iscsi/layouts.ts';
import { encodePdu, type Digests, type Pdu } from '../../../src/iscsi/pdu.ts';
import { serialAdd, serialBefore } from '../../../src/iscsi/serialArithmetic.ts';
import { type Dice, isFilledWith, LUN_LIST, must, READ, type Wire } from './shared.ts';

type Answer = readonly [kind: PduKind, fields: Record<string, unknown>, data?: Buffer];

interface Pending {
  readonly tag: number;
  readonly opcode: number;
  readonly immediate: boolean;
  awaitsData: boolean;
  /** What is still to be sent for it. */
  readonly answers: Answer[];
}

/** A target that holds the gateway to RFC 7143, and answers in any order, in pieces, with its own numbers. */
export class ModelTarget {
  readonly #dice: Dice;
  readonly #wire: Wire;
  readonly #digests: Digests;
  readonly #isFor: (mark: number) => boolean;
  #pending: Pending[] = [];
  #statSN: number;
  #acknowledged: number;
  #expCmdSN: number;
  #maxCmdSN: number;
  /** The end of the window as it was last told. */
  toldMaxCmdSN: number;

  /** @param isFor true if the command whose CDB ends with this mark, and whose data is filled with it, has to reach the target */
  constructor(
    dice: Dice,
    wire: Wire,
    digests: Digests,
    numbers: { statSN: number; cmdSN: number; window: number },
    isFor: (mark: number) => boolean,
  ) {
    this.#isFor = isFor;
    this.#dice = dice;
    this.#wire = wire;
    this.#digests = digests;
    this.#statSN = numbers.statSN;
    this.#acknowledged = numbers.statSN;
    this.#expCmdSN = numbers.cmdSN;
    this.#maxCmdSN = serialAdd(numbers.cmdSN, numbers.window - 1);
    this.toldMaxCmdSN = this.#maxCmdSN;
  }

  get isIdle(): boolean {
    return this.#pending.length === 0;
  }

  receive(): void {
    for (const pdu of this.#wire.received()) this.#take(pdu);
  }

  /** Sends one PDU of one task, whichever. */
  act(): void {
    if (this.#dice.once(20)) this.#send('nopIn', { initiatorTaskTag: RESERVED_TAG }, undefined, false);
    const ready = this.#pending.filter(({ awaitsData }) => !awaitsData);
    if (ready.length === 0) return;
    const task = this.#dice.pick(ready);
    const [kind, fields, data] = task.answers.shift()!;
    const isLast = task.answers.length === 0;
    if (isLast) {
      this.#pending = this.#pending.filter((other) => other !== task);
      if (!task.immediate) this.#maxCmdSN = serialAdd(this.#maxCmdSN, 1);
    }
    this.#send(
      kind,
      { initiatorTaskTag: task.tag, ...fields },
      data,
      kind !== 'dataIn' || fields['hasStatus'] === true,
    );
  }

  #send(kind: PduKind, fields: Record<string, unknown>, data: Buffer | undefined, advances: boolean): void {
    const isReserved = kind === 'dataIn' && !advances;
    const numbers = {
      statSN: isReserved ? 0xffffffff : this.#statSN,
      expCmdSN: this.#expCmdSN,
      maxCmdSN: this.#maxCmdSN,
    };
    this.toldMaxCmdSN = this.#maxCmdSN;
    if (advances) this.#statSN = serialAdd(this.#statSN, 1);
    const all = { final: true, ...fields, ...numbers } as Partial<PduFields<PduKind>>;
    this.#wire.send(encodePdu(kind, all, data, this.#digests));
  }

  #take({ bhs, ahs, data }: Pdu): void {
    const opcode = bhs[0]! & 0x3f;
    const tag = u32At(bhs, 16);
    must(ahs.length === 0, 'an additional header reached the target');
    if (data.length > 0) {
      const mark = data[0]!;
      must(isFilledWith(data, mark) && this.#isFor(mark), 'data of a refused command reached the target');
    }
    this.#acknowledge(u32At(bhs, 28));
    if (opcode === 0x05) {
      const task = this.#pending.find((pending) => pending.tag === tag && pending.opcode === 0x01);
      if (task !== undefined && (bhs[1]! & 0x80) !== 0) task.awaitsData = false;
      return;
    }
    const immediate = (bhs[0]! & 0x40) !== 0;
    this.#number(u32At(bhs, 24), immediate);
    const awaitsData = opcode === 0x01 && (bhs[1]! & 0x80) === 0;
    const answers = this.#answersTo(opcode, bhs); // before the push: an abort takes tasks out
    this.#pending.push({ tag, opcode, immediate, awaitsData, answers });
  }

  #acknowledge(expStatSN: number): void {
    must(!serialBefore(expStatSN, this.#acknowledged), 'ExpStatSN went back');
    must(!serialBefore(this.#statSN, expStatSN), 'ExpStatSN acknowledges what was never sent');
    this.#acknowledged = expStatSN;
  }

  #number(cmdSN: number, immediate: boolean): void {
    must(cmdSN === this.#expCmdSN, `CmdSN ${cmdSN} where ${this.#expCmdSN} is next`);
    if (immediate) return;
    must(!serialBefore(this.toldMaxCmdSN, cmdSN), `CmdSN ${cmdSN} is beyond the window`);
    this.#expCmdSN = serialAdd(cmdSN, 1);
  }

  #answersTo(opcode: number, bhs: Buffer): Answer[] {
    switch (opcode) {
      case 0x00:
        return [['nopIn', { targetTransferTag: RESERVED_TAG }]];
      case 0x01:
        must(this.#isFor(bhs[47]!), 'a refused command reached the target');
        return this.#answersToCommand(bhs);
      case 0x02:
        return [['taskManagementResponse', { response: this.#abort(u32At(bhs, 20)) }]];
      default:
        throw new Error(`opcode ${opcode} reached the target`);
    }
  }

  #answersToCommand(bhs: Buffer): Answer[] {
    if ((bhs[1]! & 0x40) === 0) return [['scsiResponse', { status: 0 }]];
    const data = bhs[32] === 0xa0 ? LUN_LIST : Buffer.alloc(this.#dice.below(200), READ);
    const answers: Answer[] = [];
    const size = 1 + this.#dice.below(data.length);
    for (let at = 0; at < data.length; at += size) {
      answers.push(['dataIn', { bufferOffset: at }, data.subarray(at, at + size)]);
    }
    if (answers.length === 0 || this.#dice.once(2)) return [...answers, ['scsiResponse', { status: 0 }]];
    answers.at(-1)![1]['hasStatus'] = true;
    return answers;
  }

  #abort(tag: number): number {
    const left = this.#pending.filter((task) => task.tag !== tag || task.opcode !== 0x01);
    if (left.length === this.#pending.length) return 1;
    const isCounted = !this.#pending.find((task) => !left.includes(task))!.immediate;
    if (isCounted) this.#maxCmdSN = serialAdd(this.#maxCmdSN, 1);
    this.#pending = left;
    return 0;
  }
}
