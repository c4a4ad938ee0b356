import { expect, test } from 'vitest';
import { RESERVED_TAG } from '../../../src/iscsi/bhs.ts';
import { decodeBhs, encodeBhs } from '../../../src/iscsi/layouts.ts';
import { encodePdu, NO_DIGESTS, parseWirePdu, type Pdu } from '../../../src/iscsi/pdu.ts';
import { Substitutions } from '../../../src/relay/substitution.ts';
import { expectProtocolError } from '../../support/protocolErrors.ts';

const TEXT = Buffer.from('SendTargets=Reject\0');

function textRequest(initiatorTaskTag: number, immediate = false): Buffer {
  return encodeBhs('textRequest', {
    immediate,
    final: true,
    initiatorTaskTag,
    targetTransferTag: RESERVED_TAG,
    cmdSN: 11,
    expStatSN: 22,
    lun: Buffer.from('0001000000000000', 'hex'),
  });
}

function nopIn(initiatorTaskTag: number): Pdu {
  const fields = { final: true, initiatorTaskTag, targetTransferTag: RESERVED_TAG };
  return parseWirePdu(encodePdu('nopIn', { ...fields, statSN: 1, expCmdSN: 12, maxCmdSN: 40 }), NO_DIGESTS);
}

test.each([false, true])('in its place goes a NOP-Out with its numbers (immediate: %s)', (immediate) => {
  const nopOut = new Substitutions().replace(textRequest(7, immediate), TEXT);
  expect(nopOut[0]! & 0x3f).toBe(0x00);
  expect(decodeBhs('nopOut', nopOut)).toEqual({
    immediate,
    final: true,
    initiatorTaskTag: 7,
    targetTransferTag: RESERVED_TAG,
    cmdSN: 11,
    expStatSN: 22,
    lun: Buffer.alloc(8),
  });
});

test("the NOP-In becomes the answer with the target's command window", () => {
  const substitutions = new Substitutions();
  substitutions.replace(textRequest(7), TEXT);
  const { bhs, data } = parseWirePdu(substitutions.answer(nopIn(7), 1000, NO_DIGESTS), NO_DIGESTS);
  expect(bhs[0]).toBe(0x24);
  expect(decodeBhs('textResponse', bhs)).toMatchObject({
    final: true,
    continues: false,
    initiatorTaskTag: 7,
    targetTransferTag: RESERVED_TAG,
    statSN: 1000,
    expCmdSN: 12,
    maxCmdSN: 40,
  });
  expect(data.equals(TEXT)).toBe(true);
});

test('a task tag is pending until it is answered or rejected', () => {
  const substitutions = new Substitutions();
  expect(substitutions.has(7)).toBe(false);
  const request = textRequest(7);
  substitutions.replace(request, TEXT);
  substitutions.replace(textRequest(8), TEXT);
  expect(substitutions.has(7)).toBe(true);
  substitutions.answer(nopIn(7), 1000, NO_DIGESTS);
  expect(substitutions.has(7)).toBe(false);
  expect(substitutions.rejected(8)!.equals(textRequest(8))).toBe(true);
  expect(substitutions.has(8)).toBe(false);
  expect(substitutions.rejected(8)).toBeUndefined();
});

test('the request that is kept is a copy', () => {
  const substitutions = new Substitutions();
  const request = textRequest(7);
  substitutions.replace(request, TEXT);
  request.fill(0);
  expect(substitutions.rejected(7)!.equals(textRequest(7))).toBe(true);
});

test('a task tag that is pending, and the reserved one, are refused', () => {
  const substitutions = new Substitutions();
  substitutions.replace(textRequest(7), TEXT);
  expectProtocolError('bad_sequence', () => substitutions.replace(textRequest(7), TEXT));
  expectProtocolError('bad_sequence', () => substitutions.replace(textRequest(RESERVED_TAG), TEXT));
});

test('64 may be pending, not 65', () => {
  const substitutions = new Substitutions();
  for (let tag = 0; tag < 64; tag++) substitutions.replace(textRequest(tag), TEXT);
  expectProtocolError('too_many_pieces', () => substitutions.replace(textRequest(64), TEXT));
  substitutions.answer(nopIn(0), 1000, NO_DIGESTS);
  substitutions.replace(textRequest(64), TEXT);
});
