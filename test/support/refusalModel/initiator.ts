import { RESERVED_TAG, u32At } from '../../../src/iscsi/bhs.ts';
import { encodePdu, type Digests, type Pdu } from '../../../src/iscsi/pdu.ts';
import { serialAdd, serialBefore } from '../../../src/iscsi/serial.ts';
import {
  ALLOWED,
  type Dice,
  isFilledWith,
  must,
  READ,
  REFUSED,
  VISIBLE_LUN_LIST,
  type Wire,
} from './shared.ts';

/** What an answer must be: sense key, code and qualifier in hex; or data; or Text. */
type Outcome = 'good' | 'read' | 'list' | 'absent' | 'text' | '052500' | '072700' | '052000';

interface Shape {
  readonly lun: string;
  /** First bytes of the CDB. */
  readonly cdb: string;
  readonly isRead: boolean;
  readonly outcome: Outcome;
}

const SHAPES: Record<'read-only' | 'read-write', readonly Shape[]> = {
  'read-only': shapes('072700', '072700'),
  'read-write': shapes('good', '052000'),
};

function shapes(write: Outcome, dangerous: Outcome): Shape[] {
  return [
    { lun: '0000', cdb: '28', isRead: true, outcome: 'read' },
    { lun: '4001', cdb: '88', isRead: true, outcome: 'read' },
    { lun: '0000', cdb: 'a000000000000000ffff', isRead: true, outcome: 'list' },
    { lun: '0005', cdb: 'a000000000000000ffff', isRead: true, outcome: '052500' },
    { lun: '0000', cdb: '35', isRead: false, outcome: 'good' },
    { lun: '0000', cdb: '2a', isRead: false, outcome: write },
    { lun: '4000', cdb: '8a', isRead: true, outcome: write === 'good' ? 'read' : write },
    { lun: '0000', cdb: '83', isRead: false, outcome: dangerous },
    { lun: '0005', cdb: '2a', isRead: false, outcome: '052500' },
    { lun: '4005', cdb: '28', isRead: true, outcome: '052500' },
    { lun: '0006', cdb: '1200000024', isRead: true, outcome: 'absent' },
  ];
}

interface Task {
  readonly tag: number;
  readonly lun: Buffer;
  readonly outcome: Outcome;
  /** Data-Out that is still to be sent. */
  readonly unsent: Buffer[];
  data: Buffer[];
  isAborting: boolean;
}

const TAGS = 24;
const FIRST_MANAGEMENT_TAG = 1000;

/** An initiator that sends all kinds of commands and holds the gateway to RFC 7143 and to its policy. */
export class ModelInitiator {
  readonly #dice: Dice;
  readonly #wire: Wire;
  readonly #digests: Digests;
  readonly #shapes: readonly Shape[];
  readonly #tasks = new Map<number, Task>();
  /** Tasks that ABORT TASK is to end, by its tag. */
  readonly #aborting = new Map<number, Task>();
  readonly #freeTags = Array.from({ length: TAGS }, (_, tag) => tag);
  #managementTag = FIRST_MANAGEMENT_TAG;
  #left: number;
  #cmdSN: number;
  #maxCmdSN: number;
  #expStatSN: number;

  constructor(
    dice: Dice,
    wire: Wire,
    digests: Digests,
    options: {
      mode: 'read-only' | 'read-write';
      commands: number;
      statSN: number;
      cmdSN: number;
      window: number;
    },
  ) {
    this.#dice = dice;
    this.#wire = wire;
    this.#digests = digests;
    this.#shapes = SHAPES[options.mode];
    this.#left = options.commands;
    this.#cmdSN = options.cmdSN;
    this.#maxCmdSN = serialAdd(options.cmdSN, options.window - 1);
    this.#expStatSN = options.statSN;
  }

  get isDone(): boolean {
    return this.#left === 0 && this.#tasks.size === 0 && this.#aborting.size === 0;
  }

  /** Sends one PDU: a new request, data of one under way, or an abort. */
  act(): void {
    const writing = [...this.#tasks.values()].filter(({ unsent }) => unsent.length > 0);
    if (writing.length > 0 && this.#dice.once(2)) {
      this.#wire.send(this.#dice.pick(writing).unsent.shift()!);
    } else if (this.#tasks.size > 0 && this.#dice.once(25)) {
      this.#abort(this.#dice.pick([...this.#tasks.values()]));
    } else if (this.#left > 0 && this.#freeTags.length > 0) {
      this.#begin();
    }
  }

  /** @param toldMaxCmdSN the end of the window as the target told it last */
  receive(toldMaxCmdSN: number): void {
    for (const pdu of this.#wire.received()) this.#take(pdu, toldMaxCmdSN);
  }

  #begin(): void {
    const immediate = this.#dice.once(10);
    if (!immediate && serialBefore(this.#maxCmdSN, this.#cmdSN)) return;
    this.#left--;
    const tag = this.#freeTags.splice(this.#dice.below(this.#freeTags.length), 1)[0]!;
    const numbers = { immediate, initiatorTaskTag: tag, cmdSN: this.#cmdSN, expStatSN: this.#expStatSN };
    if (!immediate) this.#cmdSN = serialAdd(this.#cmdSN, 1);
    if (this.#dice.once(20)) this.#text(numbers);
    else this.#command(numbers, this.#dice.pick(this.#shapes));
  }

  #text(numbers: { initiatorTaskTag: number }): void {
    this.#expect(numbers.initiatorTaskTag, Buffer.alloc(8), 'text', []);
    const fields = { ...numbers, final: true, targetTransferTag: RESERVED_TAG };
    this.#wire.send(encodePdu('textRequest', fields, Buffer.from('SendTargets=All\0'), this.#digests));
  }

  #command(numbers: { initiatorTaskTag: number; expStatSN: number }, shape: Shape): void {
    const { initiatorTaskTag, expStatSN } = numbers;
    const lun = Buffer.from(shape.lun.padEnd(16, '0'), 'hex');
    const cdb = Buffer.from(shape.cdb.padEnd(32, '0'), 'hex');
    const isAllowed = ['good', 'read', 'list'].includes(shape.outcome);
    const mark = isAllowed ? ALLOWED : REFUSED;
    cdb[15] = mark;
    const hasData = !shape.isRead && shape.cdb !== '35';
    const immediate = hasData ? this.#dice.below(300) : 0;
    const unsent = hasData ? this.#dataOut({ initiatorTaskTag, expStatSN }, mark) : [];
    this.#expect(initiatorTaskTag, lun, shape.outcome, unsent);
    const fields = {
      ...numbers,
      final: unsent.length === 0,
      read: shape.isRead,
      write: hasData,
      expectedDataTransferLength: 4096,
      lun,
      cdb,
    };
    this.#wire.send(encodePdu('scsiCommand', fields, Buffer.alloc(immediate, mark), this.#digests));
  }

  #dataOut(numbers: { initiatorTaskTag: number; expStatSN: number }, mark: number): Buffer[] {
    const count = this.#dice.once(2) ? 0 : 1 + this.#dice.below(4);
    return Array.from({ length: count }, (_, i) => {
      const fields = { ...numbers, targetTransferTag: RESERVED_TAG, dataSN: i, final: i === count - 1 };
      return encodePdu('dataOut', fields, Buffer.alloc(this.#dice.below(500), mark), this.#digests);
    });
  }

  #expect(tag: number, lun: Buffer, outcome: Outcome, unsent: Buffer[]): void {
    this.#tasks.set(tag, { tag, lun, outcome, unsent, data: [], isAborting: false });
  }

  #abort(task: Task): void {
    if (task.isAborting || task.outcome === 'text') return;
    task.isAborting = true;
    this.#aborting.set(++this.#managementTag, task);
    const fields = {
      immediate: true,
      final: true,
      function: 1,
      initiatorTaskTag: this.#managementTag,
      lun: task.lun,
      referencedTaskTag: task.tag,
      cmdSN: this.#cmdSN,
      expStatSN: this.#expStatSN,
    };
    this.#wire.send(encodePdu('taskManagementRequest', fields, undefined, this.#digests));
  }

  #take({ bhs, data }: Pdu, toldMaxCmdSN: number): void {
    const opcode = bhs[0]! & 0x3f;
    const tag = u32At(bhs, 16);
    this.#window(u32At(bhs, 28), u32At(bhs, 32), toldMaxCmdSN);
    const isDataIn = opcode === 0x25;
    const hasStatus = !isDataIn || (bhs[1]! & 0x01) !== 0;
    if (hasStatus) {
      must(u32At(bhs, 24) === this.#expStatSN, `StatSN ${u32At(bhs, 24)} where ${this.#expStatSN} is next`);
    }
    if (opcode === 0x20) return must(tag === RESERVED_TAG, 'a ping was answered that nobody sent');
    if (hasStatus) this.#expStatSN = serialAdd(this.#expStatSN, 1);
    if (opcode === 0x22) return this.#aborted(tag, bhs[2]!);
    const task = this.#tasks.get(tag);
    if (task === undefined) throw new Error(`opcode ${opcode} for task ${tag}, which waits for nothing`);
    if (isDataIn) task.data.push(Buffer.from(data));
    if (hasStatus) this.#answered(task, opcode, bhs, data);
  }

  #window(expCmdSN: number, maxCmdSN: number, toldMaxCmdSN: number): void {
    must(!serialBefore(this.#cmdSN, expCmdSN), 'ExpCmdSN is ahead of what was sent');
    must(!serialBefore(toldMaxCmdSN, maxCmdSN), 'a larger window than the target told');
    if (serialBefore(this.#maxCmdSN, maxCmdSN)) this.#maxCmdSN = maxCmdSN;
  }

  #answered(task: Task, opcode: number, bhs: Buffer, data: Buffer): void {
    must(task.unsent.length === 0, 'a command was answered before the end of its data');
    const whole = Buffer.concat(task.data);
    const { outcome } = task;
    if (outcome === 'text') must(opcode === 0x24 && data.toString() === 'SendTargets=Reject\0', 'wrong Text');
    else if (outcome === 'list') must(whole.toString('hex') === VISIBLE_LUN_LIST, 'the list is not masked');
    else if (outcome === 'absent')
      must(opcode === 0x25 && whole[0] === 0x7f && whole.length === 36, 'not absent');
    else if (outcome === 'read') must(bhs[3] === 0 && isFilledWith(whole, READ), 'wrong data');
    else if (outcome === 'good') must(opcode === 0x21 && bhs[3] === 0, 'not GOOD');
    else {
      const sense = Buffer.from([data[4]!, data[14]!, data[15]!]).toString('hex');
      must(opcode === 0x21 && bhs[3] === 2 && sense === outcome, `sense ${sense} in the place of ${outcome}`);
    }
    this.#forget(task);
  }

  #aborted(managementTag: number, response: number): void {
    const task = this.#aborting.get(managementTag);
    if (task === undefined) throw new Error('task management was answered that nobody waits for');
    this.#aborting.delete(managementTag);
    const isUnderWay = this.#tasks.get(task.tag) === task;
    if (response === 0) must(isUnderWay, 'a task was answered and aborted');
    else must(response === 1 && !isUnderWay, `response ${response} for a task that was not answered`);
    if (isUnderWay) this.#forget(task);
  }

  #forget({ tag }: Task): void {
    this.#tasks.delete(tag);
    this.#freeTags.push(tag);
  }
}
