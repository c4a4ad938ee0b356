import { expect, test } from 'vitest';
import { blocksAt, firstBlockAt } from '../../../src/accounting/blockRange.ts';
import { encodeBhs } from '../../../src/iscsi/layouts.ts';

/** Where a SCSI Command with this CDB begins and how long it goes on; behind something else, as in a chunk. */
function rangeOf(hex: string): [first: number, blocks: number] {
  const cdb = Buffer.from(hex.padEnd(32, '0'), 'hex');
  const bhs = encodeBhs('scsiCommand', { cdb: cdb.subarray(0, 16) });
  const rest = cdb.subarray(16);
  if (rest.length > 0) bhs[4] = 5;
  const ahs = rest.length > 0 ? Buffer.concat([Buffer.from('00110100', 'hex'), rest]) : rest;
  const bytes = Buffer.concat([Buffer.alloc(5, 0xee), bhs, ahs]);
  return [firstBlockAt(bytes, 5), blocksAt(bytes, 5)];
}

test.each([
  ['READ (6)', '08ff123407', 0x1f1234, 7],
  ['READ (6) of 256 blocks', '080000010000', 1, 256],
  ['READ (10)', '28008000000100010200', 0x80000001, 0x102],
  ['WRITE (12)', 'aa0080000001000000020000', 0x80000001, 2],
  ['READ (16)', '880000000001000000020000000300', 0x100000002, 3],
  ['COMPARE AND WRITE', '8900000000010000000200000004', 0x100000002, 4],
  ['WRITE ATOMIC (16)', '9c0000000001000000020000000501', 0x100000002, 5],
  ['READ (32)', '7f00000000000018000920000000000100000002000000000000000000000009', 0x100000002, 9],
])('%s', (_, cdb, first, blocks) => {
  expect(rangeOf(cdb)).toEqual([first, blocks]);
});

test('a 32-byte CDB whose rest is not there has no range', () => {
  expect(rangeOf('7f0000000000001800092000')).toEqual([-1, 0]);
});
