import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SPREAD_KEY, spreadTag } from '../../../src/iscsi/tagSpread.ts';
import { TagTable } from '../../../src/iscsi/tagTable.ts';

/** Where looking for a tag begins, in a table of 64. */
const home = (tag: number): number => spreadTag(tag, SPREAD_KEY) >>> 25;

test('a table does what a map does, also where tags collide', () => {
  const crowded = Array.from({ length: 4000 }, (_, tag) => tag).filter(
    (tag) => home(tag) < 2 || home(tag) > 126,
  );
  const anyTag = fc.oneof(
    fc.nat(20),
    fc.constantFrom(...crowded),
    fc.constantFrom(0xffffffff, 0xfffffffe, 0x80000000),
    fc.nat(0xffffffff),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(anyTag, fc.boolean()), { maxLength: 300, size: 'max' }), (steps) => {
      const table = new TagTable(2, 1, 2, 64);
      const model = new Map<number, number>();
      for (const [step, [tag, isRemoved]] of steps.entries()) {
        const known = table.find(tag);
        expect(known === -1 ? undefined : table.whole[2 * known + 1]).toBe(model.get(tag));
        if (known !== -1 && isRemoved) {
          table.remove(known);
          model.delete(tag);
        } else if (known === -1 && model.size < 64) {
          const added = table.put(tag);
          expect(table.isNew).toBe(true);
          table.whole[2 * added + 1] = step;
          table.real[added] = step / 2;
          model.set(tag, step);
        }
        expect(table.size).toBe(model.size);
      }
      for (const [tag, step] of model) {
        const record = table.put(tag);
        expect(table.isNew).toBe(false);
        expect([table.whole[2 * record + 1], table.real[record]]).toEqual([step, step / 2]);
      }
    }),
    { numRuns: 200 },
  );
});

test('a table that is full takes no more until a record goes', () => {
  const table = new TagTable(1, 0, 2, 4);
  const records = [1, 2, 3, 4].map((tag) => table.put(tag));
  expect(new Set(records).size).toBe(4);
  expect(table.put(5)).toBe(-1);
  expect(table.find(5)).toBe(-1);
  table.remove(records[2]!);
  expect(table.isLive(records[2]!)).toBe(false);
  expect(table.put(5)).toBe(records[2]);
});
