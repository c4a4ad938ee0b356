import { expect, test } from 'vitest';
import { Offset, u32At } from '../../../src/iscsi/bhs.ts';
import { encodeBhs } from '../../../src/iscsi/layouts.ts';
import { canonicalLunHigh } from '../../../src/iscsi/lun.ts';
import { TaskFunction } from '../../../src/iscsi/taskManagement.ts';
import { endTasks, referencedTask, taskScope, type Task } from '../../../src/relay/task.ts';

const lun = (hex: string) => Buffer.from(hex.padEnd(16, '0'), 'hex');

/** The second of three tasks. */
function taskAt(at: string): Task {
  const bhs = encodeBhs('scsiCommand', { lun: lun(at) });
  const lunHigh = canonicalLunHigh(bhs, Offset.lun);
  return { initiatorTaskTag: 7, lunHigh, lunLow: u32At(bhs, Offset.lun + 4), ordinal: 2, isOver: false };
}

function scope(name: keyof typeof TaskFunction, at: string, referencedTaskTag = 7) {
  const fields = { function: TaskFunction[name], lun: lun(at), referencedTaskTag };
  return taskScope(encodeBhs('taskManagementRequest', fields), 0);
}

function isEnded(
  name: keyof typeof TaskFunction,
  at: string,
  { tag = 7, of = '0005', last = 3 } = {},
): boolean {
  const task = taskAt(of);
  const hasEnded = endTasks(new Map([[7, task]]), scope(name, at, tag), last);
  expect(task.isOver).toBe(hasEnded);
  return hasEnded;
}

test('ABORT TASK ends the task with that tag at that logical unit', () => {
  expect(isEnded('abortTask', '0005')).toBe(true);
  expect(isEnded('abortTask', '4005')).toBe(true);
  expect(isEnded('abortTask', '0006')).toBe(false);
  expect(isEnded('abortTask', '0005', { tag: 8 })).toBe(false);
});

test.each(['abortTaskSet', 'clearTaskSet', 'logicalUnitReset'] as const)(
  '%s ends every task of the logical unit, whatever form its LUN has',
  (name) => {
    expect(isEnded(name, '0005', { tag: 8 })).toBe(true);
    expect(isEnded(name, '4005', { tag: 8 })).toBe(true);
    expect(isEnded(name, '0006')).toBe(false);
    expect(isEnded(name, '8005')).toBe(false);
    expect(isEnded(name, '0005000000000001')).toBe(false);
  },
);

test.each(['targetWarmReset', 'targetColdReset', 'nexusReset'] as const)('%s ends every task', (name) => {
  expect(isEnded(name, '0000', { tag: 8 })).toBe(true);
});

test.each(['clearAca', 'taskReassign', 'queryTask', 'queryTaskSet', 'queryAsynchronousEvent'] as const)(
  '%s ends nothing',
  (name) => {
    expect(isEnded(name, '0005')).toBe(false);
  },
);

test.each(['abortTask', 'abortTaskSet', 'nexusReset'] as const)(
  'a task that came after %s goes on',
  (name) => {
    expect(isEnded(name, '0005', { last: 2 })).toBe(true);
    expect(isEnded(name, '0005', { last: 1 })).toBe(false);
  },
);

test.each(['abortTask', 'abortTaskSet', 'nexusReset'] as const)('%s ends no task a second time', (name) => {
  const tasks = new Map([[7, taskAt('0005')]]);
  expect([0, 1].map(() => endTasks(tasks, scope(name, '0005'), 3))).toEqual([true, false]);
});

test('the task that an ABORT TASK names is under way until it is over', () => {
  const task = taskAt('0005');
  const tasks = new Map([[7, task]]);
  expect(referencedTask(tasks, scope('abortTask', '4005'))).toBe(task);
  task.isOver = true;
  expect(referencedTask(tasks, scope('abortTask', '4005'))).toBeUndefined();
});

test('LUNs of unknown forms are compared byte by byte', () => {
  const of = '8005000000000001';
  expect(isEnded('abortTaskSet', of, { of })).toBe(true);
  expect(isEnded('abortTaskSet', '8005000000000002', { of })).toBe(false);
  expect(isEnded('abortTaskSet', '0105', { of: '4105' })).toBe(false);
});
