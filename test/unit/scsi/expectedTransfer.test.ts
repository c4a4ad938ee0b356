import { expect, test } from 'vitest';
import { expectedTransfer } from '../../../src/scsi/expectedTransfer.ts';
import { hex } from '../target/disk.ts';

test.each([
  ['READ(10)', '28 00 00000000 00 0002 00', 'in', 1024],
  ['WRITE(16)', '8a 00 0000000000000000 ffffffff 00 00', 'out', 0xffffffff * 512],
  ['WRITE(10) of 0 blocks', '2a 00 00000000 00 0000 00', 'none', 0],
  ['VERIFY with BYTCHK 0', '2f 00 00000000 00 0002 00', 'none', 0],
  ['VERIFY with BYTCHK 1', '2f 02 00000000 00 0002 00', 'out', 1024],
  ['WRITE AND VERIFY with BYTCHK 0', '2e 00 00000000 00 0002 00', 'out', 1024],
  ['COMPARE AND WRITE, which carries two copies', '89 00 0000000000000000 000000 03 00 00', 'out', 3072],
  ['WRITE SAME, one block for many', '93 00 0000000000000000 00001000 00 00', 'out', 512],
  ['WRITE SAME with NDOB', '93 01 0000000000000000 00001000 00 00', 'none', 0],
  ['UNMAP', '42 00 00000000 00 0018 00', 'out', 24],
  ['PERSISTENT RESERVE OUT', '5f 00 00 0000 00000018 00', 'out', 24],
  ['INQUIRY', '12 00 00 0200 00', 'in', 512],
  ['READ CAPACITY(10)', '25', 'in', 8],
  ['READ CAPACITY(16)', '9e 10 0000000000000000 00000020 00 00', 'in', 32],
  ['TEST UNIT READY', '00', 'none', 0],
  ['an unknown command', 'c5 ffffffff', 'none', 0],
] as const)('%s says its direction and length', (_name, cdb, direction, length) => {
  expect(expectedTransfer(hex(cdb))).toEqual({ direction, length });
});
