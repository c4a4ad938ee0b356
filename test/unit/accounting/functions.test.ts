import { expect, test } from 'vitest';
import { encodeBhs } from '../../../src/iscsi/layouts.ts';
import { encodeLun } from '../../../src/iscsi/lun.ts';
import { Recorded } from '../../support/recorded.ts';

/** In flight at LUN 0 and LUN 1, where tags 1 and 2, and 3 are. */
function three(): Recorded {
  return new Recorded().command().command({ tag: 2 }).command({ tag: 3, lun: 1 });
}
const inFlight = (recorded: Recorded): number[] => ['0', '1'].map((lun) => recorded.io('read', lun).inFlight);
const lun = encodeLun(0);

test('ABORT TASK ends one task', () => {
  const recorded = three().taskManagement({ function: 1, lun, referencedTaskTag: 2 });
  expect(inFlight(recorded)).toEqual([2, 1]);
  recorded.taskManagementAnswered();
  expect(inFlight(recorded)).toEqual([1, 1]);
  expect(recorded.io('read').aborted).toBe(1);
  recorded.response({ initiatorTaskTag: 2 });
  expect(recorded.io('read').duration.count).toBe(0);
});

test('a target that does not know the task of an ABORT TASK will not answer it', () => {
  const recorded = three().taskManagement({ function: 1, lun, referencedTaskTag: 2 });
  expect(inFlight(recorded.taskManagementAnswered(1))).toEqual([1, 1]);
});

test.each([2, 4, 5])('function %i ends what is under way at its logical unit', (taskFunction) => {
  const recorded = three().taskManagement({ function: taskFunction, lun }).taskManagementAnswered();
  expect(inFlight(recorded)).toEqual([0, 1]);
});

test.each([6, 7, 11])('function %i ends all', (taskFunction) => {
  const recorded = three().taskManagement({ function: taskFunction, lun }).taskManagementAnswered();
  expect(inFlight(recorded)).toEqual([0, 0]);
});

test.each([3, 9, 12])('function %i ends nothing', (taskFunction) => {
  const recorded = three().taskManagement({ function: taskFunction, lun }).taskManagementAnswered();
  expect(inFlight(recorded)).toEqual([2, 1]);
});

test('a function that the target does not serve ends nothing', () => {
  expect(inFlight(three().taskManagement({ function: 5, lun }).taskManagementAnswered(5))).toEqual([2, 1]);
});

test('what comes after a reset goes on', () => {
  const recorded = three().taskManagement({ function: 5, lun }).command({ tag: 8 }).taskManagementAnswered();
  expect(inFlight(recorded)).toEqual([1, 1]);
});

test('a task that has taken the tag of the one to be aborted goes on', () => {
  const recorded = three().taskManagement({ function: 1, lun, referencedTaskTag: 2 });
  recorded.response({ initiatorTaskTag: 2 }).command({ tag: 2 }).taskManagementAnswered(1);
  expect(inFlight(recorded)).toEqual([2, 1]);
});

test('functions are counted with what the target says of them', () => {
  const recorded = three();
  for (const [taskFunction, response] of [
    [1, 0],
    [1, 0],
    [1, 1],
    [5, 255],
    [77, 5],
  ]) {
    recorded.taskManagement({ function: taskFunction!, lun }).taskManagementAnswered(response);
  }
  recorded.taskManagementAnswered(0, 901);
  recorded
    .taskManagement({ function: 6 })
    .rejected(encodeBhs('taskManagementRequest', { initiatorTaskTag: 900 }));
  recorded.taskManagementAnswered();
  expect(recorded.nexus.taskManagement).toEqual([
    { function: 'unknown', response: 'complete', count: 2 },
    { function: 'unknown', response: 'not-supported', count: 1 },
    { function: 'abort-task', response: 'complete', count: 2 },
    { function: 'abort-task', response: 'no-such-task', count: 1 },
    { function: 'logical-unit-reset', response: 'rejected', count: 1 },
  ]);
});
