import { expect, test } from 'vitest';
import { TransferBudget } from '../../../src/target/transferBudget.ts';

const MEBIBYTE = 1024 * 1024;

function start(budget: TransferBudget, mebibytes: number[]): { owners: object[]; started: number[] } {
  const started: number[] = [];
  const owners = mebibytes.map((_size, i) => ({ i }));
  for (const [i, size] of mebibytes.entries()) {
    budget.reserve(owners[i]!, size * MEBIBYTE, () => void started.push(i));
  }
  return { owners, started };
}

test('tasks that fit into 64 MiB together start at once', () => {
  expect(start(new TransferBudget(), [32, 32]).started).toEqual([0, 1]);
});

test('a task that does not fit waits until another is through', () => {
  const budget = new TransferBudget();
  const { owners, started } = start(budget, [32, 32, 1]);
  expect(started).toEqual([0, 1]);
  budget.release(owners[0]!);
  expect(started).toEqual([0, 1, 2]);
});

test('a small task does not overtake a large one that waits', () => {
  const budget = new TransferBudget();
  const { owners, started } = start(budget, [60, 60, 1]);
  expect(started).toEqual([0]);
  budget.release(owners[0]!);
  expect(started).toEqual([0, 1, 2]);
});

test('a task larger than all of the budget starts when it is alone', () => {
  const budget = new TransferBudget();
  const { owners, started } = start(budget, [1, 100]);
  expect(started).toEqual([0]);
  budget.release(owners[0]!);
  expect(started).toEqual([0, 1]);
});

test('a task that gives up its place in the queue never starts, and those behind it do', () => {
  const budget = new TransferBudget();
  const { owners, started } = start(budget, [60, 60, 4]);
  budget.release(owners[1]!);
  expect(started).toEqual([0, 2]);
  budget.release(owners[0]!);
  expect(started).toEqual([0, 2]);
});

test('what is released twice is given back once', () => {
  const budget = new TransferBudget();
  const { owners, started } = start(budget, [40, 20, 30]);
  budget.release(owners[1]!);
  budget.release(owners[1]!);
  expect(started).toEqual([0, 1]);
});
