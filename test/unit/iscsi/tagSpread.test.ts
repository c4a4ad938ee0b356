import { randomInt } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { spreadTag } from '../../../src/iscsi/tagSpread.ts';

const COUNT = 1024;
const SLOTS = 2 * COUNT;

const anyKey = (): number => randomInt(0, 2 ** 31) * 2 + 1;
const home = (tag: number, key: number): number => spreadTag(tag, key) >>> Math.clz32(SLOTS - 1);

/** Slots looked at for each tag, on average, until all have one in a table that is then half full. */
function cost(tags: readonly number[], key: number): number {
  const isTaken = new Uint8Array(SLOTS);
  let looks = 0;
  for (const tag of tags) {
    let slot = home(tag, key);
    for (looks++; isTaken[slot] === 1; looks++) slot = (slot + 1) % SLOTS;
    isTaken[slot] = 1;
  }
  return looks / tags.length;
}

test('tags that count upwards, one by one or in steps of any power of two, spread under any key', () => {
  for (const key of [1, 3, 0x80000001, 0xffffffff, ...Array.from({ length: 40 }, anyKey)]) {
    for (let power = 0; power <= 22; power++) {
      const from = randomInt(0, 2 ** 32);
      const tags = Array.from({ length: COUNT }, (_, n) => (from + n * 2 ** power) | 0);
      expect(cost(tags, key), `key ${key}, from ${from}, steps of 2^${power}`).toBeLessThan(3);
    }
  }
});

test('tags that collide under one key spread under another', () => {
  const tags: number[] = [];
  for (let tag = 0; tags.length < COUNT; tag++) if (home(tag, 0x9e3779b1) < 4) tags.push(tag);
  expect(cost(tags, 0x9e3779b1)).toBeGreaterThan(COUNT / 4);
  for (let draw = 0; draw < 40; draw++) expect(cost(tags, anyKey())).toBeLessThan(3);
});

test('each process has a key of its own, and it is odd', async () => {
  const keys = new Set<number>();
  for (let n = 0; n < 8; n++) {
    vi.resetModules();
    const { SPREAD_KEY } = await import('../../../src/iscsi/tagSpread.ts');
    expect(SPREAD_KEY & 1).toBe(1);
    keys.add(SPREAD_KEY);
  }
  expect(keys.size).toBeGreaterThan(6);
});
