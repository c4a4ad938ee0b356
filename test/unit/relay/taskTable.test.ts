import { expect, test } from 'vitest';
import { TaskFunction } from '../../../src/iscsi/taskManagement.ts';
import { encodeBhs } from '../../../src/iscsi/layouts.ts';
import { taskScope } from '../../../src/relay/task.ts';
import { NO_TASK, TAG_IN_USE, TaskTable } from '../../../src/relay/taskTable.ts';

const lun = (hex: string) => Buffer.from(hex.padEnd(16, '0'), 'hex');

/** The task with tag 7 is the second of three; the others have other tags, and are at a logical unit that nobody asks for. */
function threeTasks(at: string): { readonly tasks: TaskTable; readonly task: number } {
  const tasks = new TaskTable(2, 4);
  const begin = (tag: number, hex: string) => tasks.begin(tag, lun(hex), 0);
  begin(100, '3fff');
  const task = begin(7, at);
  begin(101, '3fff');
  return { tasks, task };
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
  const { tasks, task } = threeTasks(of);
  const hasEnded = tasks.endScope(scope(name, at, tag), last).includes(task);
  expect(tasks.isOver(task)).toBe(hasEnded);
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
  const { tasks, task } = threeTasks('0005');
  const ended = [0, 1].map(() => tasks.endScope(scope(name, '0005'), 3).includes(task));
  expect(ended).toEqual([true, false]);
});

test('the task that an ABORT TASK names is under way until it is over', () => {
  const { tasks, task } = threeTasks('0005');
  expect(tasks.referenced(scope('abortTask', '4005'))).toBe(task);
  tasks.end(task);
  expect(tasks.referenced(scope('abortTask', '4005'))).toBe(NO_TASK);
});

test('a tag is in use until its task is over, and then the next one has its place', () => {
  const { tasks, task } = threeTasks('0005');
  expect(tasks.begin(7, lun('0006'), 0)).toBe(TAG_IN_USE);
  tasks.end(task);
  expect(tasks.begin(7, lun('0006'), 0)).toBe(task);
  expect(tasks.isOver(task)).toBe(false);
  expect(tasks.size).toBe(3);
  expect(tasks.endScope(scope('logicalUnitReset', '0006'), 4)).toEqual([task]);
});

test('there are no more tasks than there may be', () => {
  const { tasks, task } = threeTasks('0005');
  expect(tasks.begin(8, lun('0005'), 0)).toBeGreaterThanOrEqual(0);
  expect(tasks.begin(9, lun('0005'), 0)).toBe(NO_TASK);
  tasks.remove(task);
  expect(tasks.find(7)).toBe(NO_TASK);
  expect(tasks.begin(9, lun('0005'), 0)).toBe(task);
});

test('LUNs of unknown forms are compared byte by byte', () => {
  const of = '8005000000000001';
  expect(isEnded('abortTaskSet', of, { of })).toBe(true);
  expect(isEnded('abortTaskSet', '8005000000000002', { of })).toBe(false);
  expect(isEnded('abortTaskSet', '0105', { of: '4105' })).toBe(false);
});
