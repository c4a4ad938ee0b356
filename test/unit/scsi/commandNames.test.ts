import { expect, test } from 'vitest';
import { classifyCommand } from '../../../src/scsi/commandClass.ts';
import { describeCommand, NAMED_COMMANDS } from '../../../src/scsi/commandNames.ts';

/** What commandClass.ts says of a code. */
function effectOf(operationCode: number, serviceAction: number): string {
  const cdb = Buffer.alloc(16);
  cdb[0] = operationCode;
  if (operationCode === 0x7f) cdb.writeUInt16BE(serviceAction, 8);
  else cdb[1] = serviceAction;
  return classifyCommand(cdb, 0).effect;
}

test('every command that is told apart has a name', () => {
  const known = [...Array(0xc0).keys()].flatMap((operationCode) =>
    [...Array(0x20).keys()]
      .filter((serviceAction) => effectOf(operationCode, serviceAction) !== 'unknown')
      .map((serviceAction) => ({ operationCode, serviceAction })),
  );
  expect(known.length).toBeGreaterThan(0);
  expect(known.map(describeCommand).filter((text) => /^[0-9A-F]{2}h/.test(text))).toEqual([]);
});

test('no name is of a command that is always refused', () => {
  const unknown = NAMED_COMMANDS.filter(
    ({ operationCode, serviceAction = 0 }) => effectOf(operationCode, serviceAction) === 'unknown',
  );
  expect(unknown).toEqual([]);
});

test('no name and no code stands twice', () => {
  const names = NAMED_COMMANDS.map(({ name }) => name);
  const codes = NAMED_COMMANDS.map(({ operationCode, serviceAction }) => `${operationCode}/${serviceAction}`);
  expect([new Set(names).size, new Set(codes).size]).toEqual([names.length, codes.length]);
});

test.each([
  [{ operationCode: 0x2a }, 'WRITE (10) 2Ah'],
  [{ operationCode: 0x9e, serviceAction: 0x10 }, 'READ CAPACITY (16) 9Eh/10h'],
  [{ operationCode: 0x9e, serviceAction: 0x01 }, '9Eh/01h'],
  [{ operationCode: 0x83, serviceAction: 0x05 }, 'EXTENDED COPY 83h/05h'],
  [{ operationCode: 0xc1 }, 'C1h'],
])('%o is %s', (code, text) => {
  expect(describeCommand(code)).toBe(text);
});
