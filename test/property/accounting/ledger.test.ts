import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Ledger } from '../../../src/accounting/ledger.ts';
import type { Recorder } from '../../../src/accounting/recorder.ts';
import type { ClassSnapshot } from '../../../src/accounting/snapshot.ts';
import { RESERVED_TAG } from '../../../src/iscsi/bhs.ts';
import { encodeLun } from '../../../src/iscsi/lun.ts';
import { encodePdu } from '../../../src/iscsi/pdu.ts';
import { encodeSenseSegment } from '../../../src/iscsi/scsiResponse.ts';
import { fixedSense, SenseKey, AdditionalSense } from '../../../src/scsi/sense.ts';
import { authenticated } from '../../support/authenticated.ts';
import { inChunks } from '../../support/fuzz.ts';
import { DISK } from '../../support/initiatorRule.ts';
import { Relayed } from '../../support/relayed.ts';

const LUNS = [0, 1, 2];
const proofs = authenticated(DISK, DISK, { luns: LUNS });
const sense = encodeSenseSegment(fixedSense(SenseKey.mediumError, AdditionalSense.unrecoveredReadError));
const CODES = { read: 0x28, write: 0x2a, other: 0x12 } as const;

interface Task {
  readonly tag: number;
  readonly lun: number;
  readonly ioClass: keyof typeof CODES;
  readonly length: number;
  readonly start: number;
  /** What happened when: whose turn it was until then. */
  turnSince: number;
  target: number;
  initiator: number;
  open: number;
  end?: 'good' | 'failed' | 'aborted';
  moved: number;
  r2ts: number;
}

/** What one of two sessions may do next; the numbers say with what. */
const anyStep = fc.record({
  session: fc.nat(1),
  act: fc.constantFrom(
    ...(['command', 'command', 'command', 'refused', 'r2t', 'data', 'good', 'good', 'failed'] as const),
    ...(['pass', 'pass', 'pass', 'abortTask', 'resetLun', 'reject', 'end'] as const),
  ),
  which: fc.nat(1000),
  cut: fc.integer({ min: 1, max: 100 }),
});

/** A session, and by its side a list of tasks that is kept without a thought for speed. */
class Modelled {
  readonly recorder: Recorder;
  readonly #relayed: Relayed;
  readonly #clock: { now: number };
  readonly tasks: Task[] = [];
  denials = 0;
  #tag = 0;

  constructor(ledger: Ledger, clock: { now: number }) {
    this.recorder = ledger.open({ initiator: 'db1', target: DISK });
    this.#relayed = new Relayed({ proofs, recorder: this.recorder });
    this.#clock = clock;
  }

  step(act: string, which: number, cut: number): void {
    const live = this.tasks.filter(({ end }) => end === undefined);
    const task = live[which % Math.max(1, live.length)];
    if (act === 'command') this.#command(which, cut);
    else if (act === 'refused') this.#refused(cut);
    else if (act === 'resetLun') this.#reset(LUNS[which % LUNS.length]!, cut);
    else if (task === undefined) return;
    else if (act === 'r2t') this.#r2t(task, cut);
    else if (act === 'data') this.#data(task, cut);
    else if (act === 'good') this.#good(task, which, cut);
    else if (act === 'failed') this.#failed(task, cut);
    else if (act === 'abortTask') this.#abort(task, cut);
    else if (act === 'reject') this.#reject(task, cut);
  }

  end(): void {
    for (const task of this.tasks) task.end ??= 'aborted';
    this.recorder.close();
  }

  #command(which: number, cut: number): void {
    const ioClass = (['read', 'write', 'other'] as const)[which % 3]!;
    const lun = LUNS[which % LUNS.length]!;
    const length = 512 * (which % 100);
    const { now } = this.#clock;
    const numbers = { turnSince: now, target: 0, initiator: 0, open: 0, moved: 0, r2ts: 0 };
    const tag = this.#tag++;
    this.tasks.push({ tag, lun, ioClass, length, start: now, ...numbers });
    this.#send(this.#commandPdu(tag, lun, CODES[ioClass], length), cut);
  }

  #refused(cut: number): void {
    this.denials++;
    this.#send(this.#commandPdu(this.#tag++, 9, CODES.read, 4096), cut);
  }

  #commandPdu(initiatorTaskTag: number, lun: number, code: number, length: number): Buffer {
    const cdb = Buffer.alloc(16);
    cdb[0] = code;
    cdb[2] = 0x83; // a page that INQUIRY has, and a block far away
    cdb[8] = 8;
    return encodePdu('scsiCommand', {
      final: true,
      read: code !== CODES.write,
      write: code === CODES.write,
      initiatorTaskTag,
      lun: encodeLun(lun),
      expectedDataTransferLength: length,
      cdb,
    });
  }

  #r2t(task: Task, cut: number): void {
    this.#turn(task);
    task.open++;
    task.r2ts++;
    this.#receive(encodePdu('r2t', { initiatorTaskTag: task.tag, targetTransferTag: 5 }), cut);
  }

  #data(task: Task, cut: number): void {
    this.#turn(task);
    task.open = Math.max(0, task.open - 1);
    const fields = { final: true, initiatorTaskTag: task.tag, targetTransferTag: 5 };
    this.#send(encodePdu('dataOut', fields, Buffer.alloc(600)), cut);
  }

  #good(task: Task, which: number, cut: number): void {
    this.#turn(task);
    task.end = 'good';
    const residualCount = which % 7 === 0 ? Math.min(task.length, which) : 0;
    task.moved = task.length - residualCount;
    const fields = { initiatorTaskTag: task.tag, final: true, underflow: residualCount > 0, residualCount };
    const pdu =
      which % 2 === 0
        ? encodePdu('dataIn', { ...fields, hasStatus: true }, Buffer.alloc(200))
        : encodePdu('scsiResponse', fields);
    this.#receive(pdu, cut);
  }

  #failed(task: Task, cut: number): void {
    this.#turn(task);
    task.end = 'failed';
    const fields = { initiatorTaskTag: task.tag, status: 2, underflow: true, residualCount: task.length };
    this.#receive(encodePdu('scsiResponse', fields, sense), cut);
  }

  #abort(task: Task, cut: number): void {
    task.end = 'aborted';
    const lun = encodeLun(task.lun);
    this.#manage({ function: 1, lun, referencedTaskTag: task.tag }, cut);
  }

  #reset(number: number, cut: number): void {
    for (const task of this.tasks) if (task.lun === number) task.end ??= 'aborted';
    this.#manage({ function: 5, lun: encodeLun(number) }, cut);
  }

  #manage(fields: { function: number; lun: Buffer; referencedTaskTag?: number }, cut: number): void {
    const initiatorTaskTag = this.#tag++;
    this.#send(encodePdu('taskManagementRequest', { ...fields, initiatorTaskTag, immediate: true }), cut);
    this.#receive(encodePdu('taskManagementResponse', { initiatorTaskTag, response: 0 }), cut);
  }

  #reject(task: Task, cut: number): void {
    task.end = 'aborted';
    const header = encodePdu('scsiCommand', { initiatorTaskTag: task.tag });
    this.#receive(encodePdu('reject', { initiatorTaskTag: RESERVED_TAG, reason: 9 }, header), cut);
  }

  #turn(task: Task): void {
    task[task.open > 0 ? 'initiator' : 'target'] += this.#clock.now - task.turnSince;
    task.turnSince = this.#clock.now;
  }

  #send(pdu: Buffer, cut: number): void {
    for (const chunk of inChunks(pdu, [cut])) this.#relayed.relay.fromInitiator(Buffer.from(chunk));
  }

  #receive(pdu: Buffer, cut: number): void {
    for (const chunk of inChunks(pdu, [cut])) this.#relayed.relay.fromTarget(Buffer.from(chunk));
  }
}

function naive(tasks: readonly Task[]) {
  const timed = tasks.filter(({ end }) => end === 'good' || end === 'failed');
  const sum = (of: readonly Task[], value: (task: Task) => number): number =>
    of.reduce((all, task) => all + value(task), 0);
  return {
    commands: tasks.length,
    bytes: sum(tasks, ({ moved }) => moved),
    inFlight: tasks.filter(({ end }) => end === undefined).length,
    aborted: tasks.filter(({ end }) => end === 'aborted').length,
    timed: timed.length,
    duration: sum(timed, ({ turnSince, start }) => turnSince - start),
    target: sum(timed, ({ target }) => target),
    initiator: sum(tasks, ({ initiator }) => initiator),
    r2ts: sum(tasks, ({ r2ts }) => r2ts),
    failed: tasks.filter(({ end }) => end === 'failed').length,
  };
}

const ms = (seconds: number): number => Math.round(seconds * 1000);

function told(io: ClassSnapshot): ReturnType<typeof naive> {
  return {
    commands: io.commands,
    bytes: io.bytes,
    inFlight: io.inFlight,
    aborted: io.aborted,
    timed: io.duration.count,
    duration: ms(io.duration.sum),
    target: ms(io.targetDuration.sum),
    initiator: ms(io.initiatorWaitSeconds),
    r2ts: io.r2ts,
    failed: io.failures.reduce(
      (sum, { senseKey, count }) => sum + (senseKey === 'medium-error' ? count : 0),
      0,
    ),
  };
}

test('the ledger of any two sessions says what their tasks come to', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 200, size: 'max' }), (steps) => {
      const clock = { now: 0 };
      const ledger = new Ledger({ now: () => clock.now });
      const past: Modelled[] = [];
      const sessions = [new Modelled(ledger, clock), new Modelled(ledger, clock)];
      const compare = (): void => {
        const all = [...past, ...sessions];
        const tasks = all.flatMap((session) => session.tasks);
        const { accounts, nexuses } = ledger.snapshot();
        expect(accounts.map(({ lun }) => lun).sort()).toEqual(
          [...new Set(tasks.map(({ lun }) => String(lun)))].sort(),
        );
        for (const { lun, classes } of accounts) {
          for (const ioClass of ['read', 'write', 'other'] as const) {
            const mine = tasks.filter((task) => String(task.lun) === lun && task.ioClass === ioClass);
            expect(told(classes[ioClass])).toEqual(naive(mine));
            if (ioClass !== 'other') expect(classes[ioClass].size.count).toBe(mine.length);
          }
        }
        const denied = nexuses[0]!.denials.find(({ kind, enforced }) => kind === 'hidden-lun' && enforced);
        expect(denied!.count).toBe(all.reduce((sum, { denials }) => sum + denials, 0));
      };
      for (const { session, act, which, cut } of steps) {
        if (act === 'pass') clock.now += which;
        else if (act === 'end') {
          sessions[session]!.end();
          past.push(...sessions.splice(session, 1, new Modelled(ledger, clock)));
        } else sessions[session]!.step(act, which, cut);
      }
      compare();
      for (const session of sessions) session.end();
      compare();
      for (const { classes } of ledger.snapshot().accounts) {
        for (const { inFlight } of Object.values(classes)) expect(inFlight).toBe(0);
      }
    }),
    { numRuns: 200 },
  );
});
