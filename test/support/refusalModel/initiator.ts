import { BHS_LENGTH, DIGEST_LENGTH, RESERVED_TAG, u32At } from '../../../src/iscsi/bhs.ts';
import { encodePdu, type Digests, type Pdu } from '../../../src/iscsi/pdu.ts';
import { serialAdd, serialBefore } from '../../../src/iscsi/serialArithmetic.ts';
import { PASSED, SHAPES, type ModelPolicy, type Outcome, type Shape } from './policies.ts';
import { type Dice, isFilledWith, LUN_LIST, must, READ, VISIBLE_LUN_LIST, type Wire } from './shared.ts';

interface Task {
  readonly tag: number;
  readonly lun: Buffer;
  /** Ends its CDB and fills its data. */
  readonly mark: number;
  /** Undefined for Text. */
  readonly shape: Shape | undefined;
  /** Where its header ends in all that the initiator sends. */
  readonly headerEnd: number;
  /** The one that held when the gateway saw the header. */
  policy: ModelPolicy;
  /** Data-Out that is still to be sent. */
  readonly unsent: Buffer[];
  data: Buffer[];
  isAborting: boolean;
}

export const LOGOUT_SECONDS = 30;
const TAGS = 24;
const FIRST_MANAGEMENT_TAG = 1000;
const MARKS = 200;

/** An initiator that sends all kinds of commands and holds the gateway to RFC 7143 and to its policy. */
export class ModelInitiator {
  readonly #dice: Dice;
  readonly #wire: Wire;
  readonly #digests: Digests;
  readonly #tasks = new Map<number, Task>();
  /** By its mark, also after its end: data may still be on its way. */
  readonly #marked: (Task | undefined)[] = [];
  #mark = 0;
  #policy: ModelPolicy;
  /** How often it was asked for a logout. */
  logoutRequests = 0;
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
      policy: ModelPolicy;
      commands: number;
      statSN: number;
      cmdSN: number;
      window: number;
    },
  ) {
    this.#dice = dice;
    this.#wire = wire;
    this.#digests = digests;
    this.#policy = options.policy;
    this.#left = options.commands;
    this.#cmdSN = options.cmdSN;
    this.#maxCmdSN = serialAdd(options.cmdSN, options.window - 1);
    this.#expStatSN = options.statSN;
  }

  get isDone(): boolean {
    return this.#left === 0 && this.#tasks.size === 0 && this.#aborting.size === 0;
  }

  /** From now on the gateway judges by another policy: whatever it has not seen the header of. */
  changePolicy(policy: ModelPolicy): void {
    this.#policy = policy;
    for (const task of this.#tasks.values()) {
      if (task.headerEnd > this.#wire.taken) task.policy = policy;
    }
  }

  /** True if the target has to see the command with this mark. */
  isForTarget(mark: number): boolean {
    const task = this.#marked[mark];
    return task !== undefined && PASSED.has(outcomeOf(task));
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
    else this.#command(numbers, this.#dice.pick(SHAPES));
  }

  #text(numbers: { initiatorTaskTag: number }): void {
    this.#expect(numbers.initiatorTaskTag, Buffer.alloc(8), undefined);
    const fields = { ...numbers, final: true, targetTransferTag: RESERVED_TAG };
    this.#wire.send(encodePdu('textRequest', fields, Buffer.from('SendTargets=All\0'), this.#digests));
  }

  #command(numbers: { initiatorTaskTag: number; expStatSN: number }, shape: Shape): void {
    const { initiatorTaskTag, expStatSN } = numbers;
    const lun = Buffer.from(shape.lun.padEnd(16, '0'), 'hex');
    const cdb = Buffer.from(shape.cdb.padEnd(32, '0'), 'hex');
    const { mark, unsent } = this.#expect(initiatorTaskTag, lun, shape);
    cdb[15] = mark;
    const hasData = !shape.isRead && shape.cdb !== '35';
    const immediate = hasData ? this.#dice.below(300) : 0;
    if (hasData) unsent.push(...this.#dataOut({ initiatorTaskTag, expStatSN }, mark));
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

  #expect(tag: number, lun: Buffer, shape: Shape | undefined): Task {
    do this.#mark = 1 + (this.#mark % MARKS);
    while ([...this.#tasks.values()].some(({ mark }) => mark === this.#mark));
    const headerEnd = this.#wire.sent + BHS_LENGTH + (this.#digests.header ? DIGEST_LENGTH : 0);
    const policy = this.#policy;
    const task = {
      tag,
      lun,
      mark: this.#mark,
      shape,
      headerEnd,
      policy,
      unsent: [],
      data: [],
      isAborting: false,
    };
    this.#tasks.set(tag, task);
    this.#marked[task.mark] = task;
    return task;
  }

  #abort(task: Task): void {
    if (task.isAborting || task.shape === undefined) return;
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
    if (opcode === 0x32) return this.#asked(bhs);
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

  #asked(bhs: Buffer): void {
    must(
      bhs[36] === 1 && bhs.readUInt16BE(42) === LOGOUT_SECONDS,
      'an Async Message that is no logout request',
    );
    must(!serialBefore(u32At(bhs, 32), this.#maxCmdSN), 'the window went back');
    this.logoutRequests++;
  }

  #answered(task: Task, opcode: number, bhs: Buffer, data: Buffer): void {
    must(task.unsent.length === 0, 'a command was answered before the end of its data');
    const whole = Buffer.concat(task.data);
    const outcome = outcomeOf(task);
    if (outcome === 'text') must(opcode === 0x24 && data.toString() === 'SendTargets=Reject\0', 'wrong Text');
    else if (outcome === 'masked list')
      must(whole.toString('hex') === VISIBLE_LUN_LIST, 'the list is not masked');
    else if (outcome === 'whole list') must(whole.equals(LUN_LIST), 'the list is not whole');
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

function outcomeOf({ shape, policy }: Task): Outcome {
  return shape === undefined ? 'text' : shape.outcomes[policy];
}
