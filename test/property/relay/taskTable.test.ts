import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeBhs } from '../../../src/iscsi/layouts.ts';
import { parseLun } from '../../../src/iscsi/lun.ts';
import { TaskFunction } from '../../../src/iscsi/taskManagement.ts';
import { taskScope } from '../../../src/relay/task.ts';
import { NO_TASK, TAG_IN_USE, TaskTable } from '../../../src/relay/taskTable.ts';

const MAX = 16;
/** Logical unit 1 in two forms, two others, and three forms that are refused. */
const LUNS = ['0001', '4001', '0002', '412c', '8001', '00010001', '40010001'].map((hex) =>
  Buffer.from(hex.padEnd(16, '0'), 'hex'),
);
const FUNCTIONS = Object.values(TaskFunction);
const OF_ALL: readonly number[] = [
  TaskFunction.targetWarmReset,
  TaskFunction.targetColdReset,
  TaskFunction.nexusReset,
];
const OF_LUN: readonly number[] = [
  TaskFunction.abortTaskSet,
  TaskFunction.clearTaskSet,
  TaskFunction.logicalUnitReset,
];

interface ModelTask {
  readonly lun: string;
  readonly ordinal: number;
  isOver: boolean;
}

/** What parseLun makes of it; of a form that it refuses, the bytes. */
function nameOf(lun: Buffer): string {
  try {
    return `LUN ${parseLun(lun)}`;
  } catch {
    return lun.toString('hex');
  }
}

const anyStep = fc.record({
  act: fc.constantFrom('begin', 'begin', 'begin', 'end', 'remove', 'manage'),
  tag: fc.oneof(fc.nat(24), fc.constantFrom(0xffffffff, 0x80000000)),
  lun: fc.nat(LUNS.length - 1),
  taskFunction: fc.constantFrom(...FUNCTIONS),
  before: fc.nat(6),
});

test('a table of tasks does what a map of them does', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 150, size: 'max' }), (steps) => {
      const table = new TaskTable(2, MAX);
      const model = new Map<number, ModelTask>();
      let ordinal = 0;
      for (const { act, tag, lun, taskFunction, before } of steps) {
        const known = model.get(tag);
        if (act === 'begin') {
          const isFull = known === undefined && model.size === MAX;
          const task = table.begin(tag, LUNS[lun]!, 0);
          if (isFull) expect(task).toBe(NO_TASK);
          else if (known?.isOver === false) expect(task).toBe(TAG_IN_USE);
          else {
            expect(task).toBe(table.find(tag));
            model.set(tag, { lun: nameOf(LUNS[lun]!), ordinal: ++ordinal, isOver: false });
          }
        } else if (act === 'end' && known !== undefined) {
          table.end(table.find(tag));
          known.isOver = true;
        } else if (act === 'remove' && known !== undefined) {
          table.remove(table.find(tag));
          model.delete(tag);
        } else if (act === 'manage') {
          const fields = { function: taskFunction, lun: LUNS[lun]!, referencedTaskTag: tag };
          const last = ordinal - before;
          const tags = [...model]
            .filter(([of, task]) => {
              if (task.isOver || task.ordinal > last) return false;
              if (OF_ALL.includes(taskFunction)) return true;
              if (task.lun !== nameOf(LUNS[lun]!)) return false;
              return OF_LUN.includes(taskFunction) || (taskFunction === TaskFunction.abortTask && of === tag);
            })
            .map(([of]) => of);
          const expected = tags.map((of) => table.find(of)).sort((a, b) => a - b);
          for (const of of tags) model.get(of)!.isOver = true;
          const scope = taskScope(encodeBhs('taskManagementRequest', fields), 0);
          expect([...table.endScope(scope, last)]).toEqual(expected);
        }
        expect(table.ordinal).toBe(ordinal);
        expect(table.size).toBe(model.size);
        for (const [of, { isOver }] of model) expect(table.isOver(table.find(of))).toBe(isOver);
        expect(new Set([...model.keys()].map((of) => table.find(of))).size).toBe(model.size);
      }
    }),
    { numRuns: 300 },
  );
});
