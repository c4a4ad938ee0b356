import { expect, test } from 'vitest';
import { CommandPolicy } from '../../../src/policy/commandPolicy.ts';
import { maskLunList } from '../../../src/relay/lunList.ts';
import { accessRule } from '../../support/initiatorRule.ts';
import { lunList, VISIBLE_LUNS, WHOLE_LUNS } from '../../support/lunLists.ts';

/** What is left of a list, as it goes on. */
function masked(list: Buffer): Buffer {
  const copy = Buffer.from(list);
  return copy.subarray(0, maskLunList(copy, new CommandPolicy(accessRule({ luns: [1, 300] }))));
}

test('hidden logical units leave the list, and the others move up', () => {
  expect(masked(WHOLE_LUNS).toString('hex')).toBe(VISIBLE_LUNS.toString('hex'));
});

test('a list without hidden ones stays as it is', () => {
  expect(masked(VISIBLE_LUNS).equals(VISIBLE_LUNS)).toBe(true);
});

test('of a list that is cut anywhere, only what is there is left, and its length says how much to ask for', () => {
  for (let length = 0; length < WHOLE_LUNS.length; length++) {
    const left = masked(WHOLE_LUNS.subarray(0, length));
    const entries = Math.max(0, Math.floor((length - 8) / 8));
    const seen = [0, 0, 1, 1, 2, 3, 3, 3][entries]!;
    const header = WHOLE_LUNS.subarray(0, Math.min(8, length));
    const expected = Buffer.concat([header, VISIBLE_LUNS.subarray(8, 8 + 8 * seen)]);
    expect(left.toString('hex')).toBe(expected.toString('hex'));
  }
});

test('whoever asks first for the length and then for all gets every logical unit that is there', () => {
  const list = lunList('0000', '0002', '0003', '0004', '0001');
  const allocationLength = 8 + masked(list.subarray(0, 16)).readUInt32BE(0);
  expect(masked(list.subarray(0, allocationLength)).equals(lunList('0001'))).toBe(true);
});

test('a length that is no multiple of 8 hides nothing behind it', () => {
  const list = Buffer.concat([lunList('0001'), Buffer.from('0002000000', 'hex')]);
  list.writeUInt32BE(13, 0);
  expect(masked(list).equals(lunList('0001'))).toBe(true);
});
