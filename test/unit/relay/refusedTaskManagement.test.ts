import { expect, test } from 'vitest';
import { opcodeAt, u32At } from '../../../src/iscsi/bhs.ts';
import { decodeBhs } from '../../../src/iscsi/layouts.ts';
import { encodePdu } from '../../../src/iscsi/pdu.ts';
import { TaskFunction, TaskResponse } from '../../../src/iscsi/taskManagement.ts';
import type { AccessRule } from '../../../src/policy/rules.ts';
import { expectProtocolError } from '../../support/protocolErrors.ts';
import { answerPing, cdb, lun, writeStream } from '../../support/refusals.ts';
import { Relayed, STAT_SN, TARGET_STAT_SN } from '../../support/relayed.ts';

const TASK = 7;
const MANAGEMENT = 8;
const READ_ONLY = { mode: 'read-only' } as const;

/** A refused write to LUN 5 whose last Data-Out is still to come, and that Data-Out. */
function refused(access: Partial<AccessRule>, at = '0005'): { relayed: Relayed; rest: Buffer } {
  const relayed = new Relayed({ access });
  const command = { initiatorTaskTag: TASK, cmdSN: 40, expStatSN: STAT_SN, lun: lun(at) };
  const wire = writeStream(command, { immediate: 0, unsolicited: 512 });
  relayed.relay.fromInitiator(Buffer.from(wire.subarray(0, 48)));
  relayed.at('target');
  return { relayed, rest: Buffer.from(wire.subarray(48)) };
}

function manage(
  relayed: Relayed,
  name: keyof typeof TaskFunction,
  at = '0005',
  referencedTaskTag = TASK,
): void {
  relayed.request('taskManagementRequest', {
    final: true,
    immediate: true,
    initiatorTaskTag: MANAGEMENT,
    function: TaskFunction[name],
    lun: lun(at),
    referencedTaskTag,
  });
}

function done(relayed: Relayed, response: number, n = 1): void {
  const fields = { final: true, initiatorTaskTag: MANAGEMENT, statSN: TARGET_STAT_SN + n };
  relayed.respond('taskManagementResponse', { ...fields, response });
}

/** Opcode, task tag, and what stands in byte 2 of everything that has reached the initiator. */
const answers = (relayed: Relayed) =>
  relayed.at('initiator').map(({ bhs }) => [opcodeAt(bhs, 0), u32At(bhs, 16), bhs[2]]);

const PASSED = [0x22, MANAGEMENT];

test('ABORT TASK of a refused task that waits for its data is done, whatever the target has of it', () => {
  for (const response of [TaskResponse.complete, TaskResponse.noSuchTask]) {
    const { relayed, rest } = refused(READ_ONLY);
    answerPing(relayed, TASK);
    manage(relayed, 'abortTask');
    expect(opcodeAt(relayed.at('target')[0]!.bhs, 0)).toBe(0x02);
    done(relayed, response);
    expect(answers(relayed)).toEqual([[...PASSED, TaskResponse.complete]]);
    relayed.relay.fromInitiator(rest);
    expect(relayed.bytesAt('initiator')).toHaveLength(0);
    expect(relayed.bytesAt('target')).toHaveLength(0);
  }
});

test('with header digests the changed response has a right one', () => {
  const digests = { header: true, data: true };
  const relayed = new Relayed({ access: READ_ONLY, digests, statSN: TARGET_STAT_SN });
  relayed.request('scsiCommand', { initiatorTaskTag: TASK, cdb: cdb('2a'), write: true });
  answerPing(relayed, TASK);
  manage(relayed, 'abortTask', '0000');
  relayed.respond('taskManagementResponse', {
    initiatorTaskTag: MANAGEMENT,
    response: 1,
    statSN: TARGET_STAT_SN + 1,
  });
  expect(answers(relayed)).toEqual([[...PASSED, TaskResponse.complete]]);
});

test('ABORT TASK of a refused task that was answered meanwhile is told what the target says', () => {
  const { relayed, rest } = refused(READ_ONLY);
  manage(relayed, 'abortTask');
  answerPing(relayed, TASK);
  relayed.relay.fromInitiator(rest);
  done(relayed, TaskResponse.noSuchTask);
  expect(answers(relayed)).toEqual([
    [0x21, TASK, 0],
    [...PASSED, TaskResponse.noSuchTask],
  ]);
});

test('ABORT TASK of a task that is at the target is told what the target says', () => {
  const relayed = new Relayed({ access: READ_ONLY });
  relayed.request('scsiCommand', { initiatorTaskTag: TASK, cdb: cdb('28'), lun: lun('0005'), final: true });
  manage(relayed, 'abortTask');
  done(relayed, TaskResponse.noSuchTask);
  expect(answers(relayed)).toEqual([[...PASSED, TaskResponse.noSuchTask]]);
});

test.each([
  ['abortTask', 5],
  ['abortTask', 255],
  ['logicalUnitReset', 1],
  ['logicalUnitReset', 5],
  ['queryTask', 0],
  ['clearAca', 0],
] as const)('after %s with response %i a refused task is still answered', (name, response) => {
  const { relayed, rest } = refused(READ_ONLY);
  answerPing(relayed, TASK);
  manage(relayed, name);
  done(relayed, response);
  relayed.relay.fromInitiator(rest);
  expect(answers(relayed)).toEqual([
    [...PASSED, response],
    [0x21, TASK, 0],
  ]);
});

test.each(['abortTaskSet', 'clearTaskSet', 'logicalUnitReset', 'nexusReset'] as const)(
  '%s that is done leaves no late answer, in whatever form it names the LUN',
  (name) => {
    const { relayed, rest } = refused(READ_ONLY);
    answerPing(relayed, TASK);
    manage(relayed, name, '4005');
    done(relayed, TaskResponse.complete);
    relayed.relay.fromInitiator(rest);
    expect(answers(relayed)).toEqual([[...PASSED, TaskResponse.complete]]);
  },
);

test('a reset of another logical unit leaves a refused task as it is', () => {
  const { relayed, rest } = refused(READ_ONLY);
  answerPing(relayed, TASK);
  manage(relayed, 'logicalUnitReset', '0006');
  done(relayed, TaskResponse.complete);
  relayed.relay.fromInitiator(rest);
  expect(answers(relayed)).toHaveLength(2);
});

test('a tag that is used again before the reset is done belongs to a task that the reset did not end', () => {
  const relayed = new Relayed({ access: READ_ONLY });
  const command = { initiatorTaskTag: TASK, lun: lun('0005'), final: true, cdb: cdb('2a') };
  relayed.request('scsiCommand', command);
  manage(relayed, 'logicalUnitReset');
  answerPing(relayed, TASK);
  relayed.request('scsiCommand', command);
  done(relayed, TaskResponse.complete);
  answerPing(relayed, TASK, 2);
  expect(answers(relayed)).toEqual([
    [0x21, TASK, 0],
    [...PASSED, TaskResponse.complete],
    [0x21, TASK, 0],
  ]);
});

test('after an abort an allowed write with the same tag has its data passed', () => {
  const { relayed } = refused({ luns: [5], mode: 'read-write' }, '0006');
  answerPing(relayed, TASK);
  manage(relayed, 'abortTask', '0006');
  answerPing(relayed, MANAGEMENT, 1);
  expect(answers(relayed)).toEqual([[...PASSED, TaskResponse.complete]]);
  relayed.at('target');
  const command = { initiatorTaskTag: TASK, lun: lun('0005') };
  relayed.relay.fromInitiator(writeStream(command, { immediate: 0, unsolicited: 512 }));
  expect(relayed.at('target').map(({ bhs }) => opcodeAt(bhs, 0))).toEqual([0x01, 0x05]);
});

test('task management at a hidden LUN does not reach the target', () => {
  for (const name of [
    'abortTask',
    'abortTaskSet',
    'clearTaskSet',
    'logicalUnitReset',
    'queryTask',
  ] as const) {
    const relayed = new Relayed({ access: { luns: [5] } });
    manage(relayed, name, '0006');
    expect(relayed.at('target').map(({ bhs }) => opcodeAt(bhs, 0))).toEqual([0x00]);
    answerPing(relayed, MANAGEMENT);
    const response = name === 'abortTask' ? TaskResponse.noSuchTask : TaskResponse.noSuchLun;
    expect(answers(relayed)).toEqual([[...PASSED, response]]);
  }
});

test('ABORT TASK of a command that a hidden LUN refused is done, and leaves no late answer', () => {
  const { relayed, rest } = refused({ luns: [0] });
  answerPing(relayed, TASK);
  manage(relayed, 'abortTask', '4005');
  relayed.relay.fromInitiator(rest);
  answerPing(relayed, MANAGEMENT, 1);
  expect(answers(relayed)).toEqual([[...PASSED, TaskResponse.complete]]);
});

test('a REPORT LUNS that was asked at a hidden LUN 0 may be aborted there', () => {
  const relayed = new Relayed({ access: { luns: [5] } });
  relayed.request('scsiCommand', { initiatorTaskTag: TASK, read: true, final: true, cdb: cdb('a0') });
  manage(relayed, 'abortTask', '0000');
  expect(relayed.at('target').map(({ bhs }) => opcodeAt(bhs, 0))).toEqual([0x01, 0x02]);
  done(relayed, TaskResponse.complete, 0);
  expect(answers(relayed)).toEqual([[...PASSED, TaskResponse.complete]]);
});

test('a refused reset ends nothing: what was refused before is still answered', () => {
  for (const [name, access] of [
    ['targetColdReset', READ_ONLY],
    ['logicalUnitReset', { luns: [0] }],
  ] as const) {
    const { relayed, rest } = refused(access);
    answerPing(relayed, TASK);
    manage(relayed, name);
    relayed.relay.fromInitiator(rest);
    answerPing(relayed, MANAGEMENT, 1);
    expect(answers(relayed).map(([opcode, tag]) => [opcode, tag])).toEqual([[0x21, TASK], PASSED]);
  }
});

test('a target reset that is allowed reaches the target', () => {
  const relayed = new Relayed({ access: { allow: ['target-reset'] } });
  manage(relayed, 'targetWarmReset');
  expect(decodeBhs('taskManagementRequest', relayed.at('target')[0]!.bhs).function).toBe(6);
});

/** An ABORT TASK SET that ends nothing: nothing is under way. */
const pointless = (initiatorTaskTag: number) => {
  const fields = { final: true, immediate: true, function: TaskFunction.abortTaskSet, lun: lun('ffff') };
  return encodePdu('taskManagementRequest', { ...fields, initiatorTaskTag });
};

test('64 task management requests may be under way, not 65, also if they end nothing', () => {
  const relayed = new Relayed();
  for (let tag = 100; tag < 164; tag++) relayed.relay.fromInitiator(pointless(tag));
  expectProtocolError('too_many_pieces', () => relayed.relay.fromInitiator(pointless(164)));
});

test('a task management request whose tag another one has ends the session', () => {
  const relayed = new Relayed();
  relayed.relay.fromInitiator(pointless(MANAGEMENT));
  expectProtocolError('bad_sequence', () => relayed.relay.fromInitiator(pointless(MANAGEMENT)));
});

test('a task management request that was answered or rejected is under way no more', () => {
  const relayed = new Relayed();
  for (let i = 0; i < 100; i++) {
    relayed.relay.fromInitiator(pointless(MANAGEMENT));
    if (i % 2 === 0) done(relayed, TaskResponse.noSuchLun, i);
    else relayed.respond('reject', { statSN: TARGET_STAT_SN + i }, pointless(MANAGEMENT));
  }
});
