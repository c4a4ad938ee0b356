import { expect, test } from 'vitest';
import { parseRequest } from '../../../src/explain/parseRequest.ts';
import { ValueError } from '../../../src/config/problem.ts';
import { decodeBhs } from '../../../src/iscsi/layouts.ts';

const cdbOf = (text: string): string => {
  const bhs = parseRequest(text).bhs(5);
  expect(bhs).toHaveLength(48);
  const { lun, cdb } = decodeBhs('scsiCommand', bhs);
  expect(lun.toString('hex')).toBe('0005000000000000');
  return cdb.toString('hex');
};

test.each([
  ['2a', '2a000000000000000000000000000000', 'WRITE (10) 2Ah'],
  ['0x2A', '2a000000000000000000000000000000', 'WRITE (10) 2Ah'],
  ['2Ah', '2a000000000000000000000000000000', 'WRITE (10) 2Ah'],
  ['9e/10', '9e100000000000000000000000000000', 'READ CAPACITY (16) 9Eh/10h'],
  ['0x9e/0x10', '9e100000000000000000000000000000', 'READ CAPACITY (16) 9Eh/10h'],
  ['7f/b', '7f00000000000018000b000000000000', 'WRITE (32) 7Fh/0Bh'],
  ['c1', 'c1000000000000000000000000000000', 'C1h'],
  ['WRITE(10)', '2a000000000000000000000000000000', 'WRITE (10) 2Ah'],
  ['write-10', '2a000000000000000000000000000000', 'WRITE (10) 2Ah'],
  ['unmap', '42000000000000000000000000000000', 'UNMAP 42h'],
  ['read capacity (16)', '9e100000000000000000000000000000', 'READ CAPACITY (16) 9Eh/10h'],
])('%s is a command', (text, cdb, name) => {
  expect(cdbOf(text)).toBe(cdb);
  expect(parseRequest(text).name).toBe(name);
});

test.each([
  ['write', 'WRITE (10) 2Ah'],
  ['format', 'FORMAT UNIT 04h'],
  ['extended-copy', 'EXTENDED COPY 83h'],
  ['reservations', 'PERSISTENT RESERVE OUT 5Fh'],
  ['vendor', 'C0h'],
])('%s, a word of the configuration or of the table, is its most common command', (text, name) => {
  expect(parseRequest(text).name).toBe(name);
});

test.each([
  ['target-reset', 6, 'TARGET WARM RESET'],
  ['logical unit reset', 5, 'LOGICAL UNIT RESET'],
  ['ABORT TASK', 1, 'ABORT TASK'],
])('%s is task management', (text, taskFunction, name) => {
  const request = parseRequest(text);
  expect(request.name).toBe(name);
  expect(decodeBhs('taskManagementRequest', request.bhs(0))).toMatchObject({ function: taskFunction });
  expect(request.bhs(0)[0]).toBe(0x02);
});

const errorOf = (text: string): ValueError => {
  try {
    parseRequest(text);
  } catch (error) {
    if (error instanceof ValueError) return error;
  }
  throw new Error('it was taken');
};

test.each([
  ['unmpa', 'did you mean "UNMAP"?'],
  ['formt', 'did you mean "format"?'],
  ['WRITE(11)', 'did you mean "WRITE (10)"?'],
  ['2', 'write an operation code in hex'],
  ['100', 'write an operation code in hex'],
  ['2a/', 'write an operation code in hex'],
  ['', 'write an operation code in hex'],
])('%j is none, and the hint says what to write', (text, hint) => {
  expect(errorOf(text).hint).toContain(hint);
});

test('a service action that byte 1 cannot hold is refused, not cut', () => {
  expect(errorOf('9e/30').message).toContain('above 1F');
  expect(cdbOf('7f/0102').slice(16, 20)).toBe('0102');
});
