import { expect, test } from 'vitest';
import { IO_CLASSES, ioClassAt } from '../../../src/accounting/ioClass.ts';

const classOf = (hex: string): string =>
  IO_CLASSES[ioClassAt(Buffer.concat([Buffer.alloc(3), Buffer.from(hex, 'hex')], 3 + 16), 3)]!;

test.each(['08', '28', 'a8', '88', '7f000000000000180009'])('%s reads', (cdb) => {
  expect(classOf(cdb)).toBe('read');
});

const WRITES = `0a 2a aa 8a 9c 8b 2e ae 8e 41 93 89
  7f00000000000018000b 7f00000000000018000c 7f00000000000018000d`;

test.each(WRITES.split(/\s+/))('%s writes', (cdb) => {
  expect(classOf(cdb)).toBe('write');
});

test.each(['00', '12', '25', '2f', '35', '42', '5f', '9e10', 'a0', '7f000000000000180003', 'c1'])(
  '%s does neither',
  (cdb) => {
    expect(classOf(cdb)).toBe('other');
  },
);
