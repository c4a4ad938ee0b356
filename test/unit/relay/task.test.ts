import { expect, test } from 'vitest';
import { decodeBhs, encodeBhs } from '../../../src/iscsi/layouts.ts';
import { TaskFunction } from '../../../src/iscsi/taskManagement.ts';
import { ends, taskOf } from '../../../src/relay/task.ts';

const lun = (hex: string) => Buffer.from(hex.padEnd(16, '0'), 'hex');
const TASK = taskOf(encodeBhs('scsiCommand', { initiatorTaskTag: 7, lun: lun('0005') }), 0);

function isEnded(name: keyof typeof TaskFunction, at: string, referencedTaskTag = 7): boolean {
  const fields = { function: TaskFunction[name], lun: lun(at), referencedTaskTag };
  return ends(decodeBhs('taskManagementRequest', encodeBhs('taskManagementRequest', fields)), TASK);
}

test('ABORT TASK ends the task with that tag at that logical unit', () => {
  expect(isEnded('abortTask', '0005')).toBe(true);
  expect(isEnded('abortTask', '4005')).toBe(true);
  expect(isEnded('abortTask', '0006')).toBe(false);
  expect(isEnded('abortTask', '0005', 8)).toBe(false);
});

test.each(['abortTaskSet', 'clearTaskSet', 'logicalUnitReset'] as const)(
  '%s ends every task of the logical unit, whatever form its LUN has',
  (name) => {
    expect(isEnded(name, '0005', 8)).toBe(true);
    expect(isEnded(name, '4005', 8)).toBe(true);
    expect(isEnded(name, '0006')).toBe(false);
    expect(isEnded(name, '8005')).toBe(false);
  },
);

test.each(['targetWarmReset', 'targetColdReset', 'nexusReset'] as const)('%s ends every task', (name) => {
  expect(isEnded(name, '0000', 8)).toBe(true);
});

test.each(['clearAca', 'taskReassign', 'queryTask', 'queryTaskSet', 'queryAsynchronousEvent'] as const)(
  '%s ends nothing',
  (name) => {
    expect(isEnded(name, '0005')).toBe(false);
  },
);

test('LUNs of unknown forms are compared byte by byte', () => {
  const task = taskOf(encodeBhs('scsiCommand', { lun: lun('8005') }), 0);
  expect(task.lun).toBe('8005000000000000');
});
