import { expect, test } from 'vitest';
import { RESERVED_TAG } from '../../../src/iscsi/bhs.ts';
import { decodeBhs, encodeBhs } from '../../../src/iscsi/layouts.ts';
import { Opcode } from '../../../src/iscsi/opcode.ts';
import { NO_DIGESTS, parseWirePdu } from '../../../src/iscsi/pdu.ts';
import { TaskFunction } from '../../../src/iscsi/taskManagement.ts';
import { textAnswer } from '../../../src/relay/answers.ts';
import { Substitutions, type Answer } from '../../../src/relay/substitution.ts';
import { taskScope } from '../../../src/relay/task.ts';
import { expectProtocolError } from '../../support/protocolErrors.ts';

const ANSWER: Answer = () => Buffer.alloc(48);

function request(initiatorTaskTag: number, immediate = false): Buffer {
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

/** One pending request with tag 7. */
function pending(awaitsData: boolean): Substitutions {
  const substitutions = new Substitutions();
  substitutions.replace(request(7), ANSWER, awaitsData);
  return substitutions;
}

const RESET = taskScope(encodeBhs('taskManagementRequest', { function: TaskFunction.nexusReset }), 0);

/** @returns true if anything was still to be answered */
const endAll = (substitutions: Substitutions) => substitutions.end(RESET, substitutions.ordinal);

/** Task management ends all that is pending. */
function abortAll(substitutions: Substitutions): void {
  expect(endAll(substitutions)).toBe(true);
}

test.each([false, true])('in its place goes a NOP-Out with its numbers (immediate: %s)', (immediate) => {
  const nopOut = new Substitutions().replace(request(7, immediate), ANSWER);
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

test('an answer is written with the numbers of the moment at which it goes out', () => {
  const substitutions = new Substitutions();
  substitutions.replace(request(7), textAnswer(7, Buffer.from('SendTargets=Reject\0')));
  const wire = substitutions.nopIn(7)!({ statSN: 1000, expCmdSN: 12, maxCmdSN: 40 }, NO_DIGESTS);
  const { bhs, data } = parseWirePdu(wire, NO_DIGESTS);
  expect(bhs[0]).toBe(Opcode.textResponse);
  expect(decodeBhs('textResponse', bhs)).toMatchObject({
    final: true,
    continues: false,
    initiatorTaskTag: 7,
    targetTransferTag: RESERVED_TAG,
    statSN: 1000,
    expCmdSN: 12,
    maxCmdSN: 40,
  });
  expect(data.toString()).toBe('SendTargets=Reject\0');
});

test('without data to come, the NOP-In lets the answer out, once', () => {
  const substitutions = pending(false);
  expect(substitutions.awaitsData(7)).toBe(false);
  expect(substitutions.awaitsNopIn(7)).toBe(true);
  expect(substitutions.nopIn(7)).toBe(ANSWER);
  expect(substitutions.awaitsNopIn(7)).toBe(false);
  expect(endAll(substitutions)).toBe(false);
});

test('the answer waits for the data that comes after the NOP-In', () => {
  const substitutions = pending(true);
  expect(substitutions.nopIn(7)).toBeUndefined();
  expect(substitutions.awaitsNopIn(7)).toBe(false);
  expect(substitutions.awaitsData(7)).toBe(true);
  expect(substitutions.dataEnded(7)).toBe(ANSWER);
  expect(substitutions.awaitsData(7)).toBe(false);
});

test('the answer waits for the NOP-In that comes after the data', () => {
  const substitutions = pending(true);
  expect(substitutions.dataEnded(7)).toBeUndefined();
  expect(substitutions.awaitsData(7)).toBe(false);
  expect(substitutions.nopIn(7)).toBe(ANSWER);
});

test('nothing is pending for other tags', () => {
  const substitutions = pending(true);
  expect(substitutions.awaitsNopIn(8)).toBe(false);
  expect(substitutions.awaitsData(8)).toBe(false);
  expect(substitutions.rejected(8)).toBeUndefined();
  expect(endAll(substitutions)).toBe(true);
});

test('of what is aborted before the NOP-In, no late answer comes', () => {
  const substitutions = pending(false);
  abortAll(substitutions);
  expect(substitutions.awaitsNopIn(7)).toBe(true);
  expect(substitutions.nopIn(7)).toBeUndefined();
  expect(endAll(substitutions)).toBe(false);
});

test('of what is aborted between NOP-In and data, no late answer comes', () => {
  const substitutions = pending(true);
  substitutions.nopIn(7);
  abortAll(substitutions);
  expect(substitutions.awaitsData(7)).toBe(true);
  expect(substitutions.dataEnded(7)).toBeUndefined();
  expect(endAll(substitutions)).toBe(false);
});

test('of what is aborted between data and NOP-In, no late answer comes', () => {
  const substitutions = pending(true);
  substitutions.dataEnded(7);
  abortAll(substitutions);
  expect(substitutions.nopIn(7)).toBeUndefined();
  expect(endAll(substitutions)).toBe(false);
});

test('after the answer its tag may be used again', () => {
  const substitutions = pending(false);
  substitutions.nopIn(7);
  substitutions.replace(request(7), ANSWER);
  expect(substitutions.nopIn(7)).toBe(ANSWER);
});

test('the tag of an aborted request whose data never ended may be used again, and its data is awaited no more', () => {
  const substitutions = pending(true);
  substitutions.nopIn(7);
  abortAll(substitutions);
  substitutions.release(7);
  expect(substitutions.awaitsData(7)).toBe(false);
});

test('the tag of a request that waits for its answer is in use', () => {
  const substitutions = pending(false);
  expectProtocolError('bad_sequence', () => substitutions.release(7));
  expectProtocolError('bad_sequence', () => substitutions.replace(request(7), ANSWER));
});

test('a NOP-In that comes after the abort does not answer the next request with that tag', () => {
  const substitutions = pending(false);
  for (let i = 0; i < 2; i++) {
    abortAll(substitutions);
    substitutions.replace(request(7), ANSWER);
  }
  expect(substitutions.nopIn(7)).toBeUndefined();
  expect(substitutions.nopIn(7)).toBeUndefined();
  expect(substitutions.nopIn(7)).toBe(ANSWER);
});

test('a NOP-In that comes after the abort does not reach the initiator when the tag is another command’s', () => {
  const substitutions = pending(false);
  abortAll(substitutions);
  substitutions.release(7);
  expect(endAll(substitutions)).toBe(false);
  expect(substitutions.awaitsNopIn(7)).toBe(true);
  expect(substitutions.nopIn(7)).toBeUndefined();
  expect(substitutions.awaitsNopIn(7)).toBe(false);
});

test('the reserved task tag is refused', () => {
  expectProtocolError('bad_sequence', () => new Substitutions().replace(request(RESERVED_TAG), ANSWER));
});

test("a Reject gives the initiator's own header back and frees the tag", () => {
  const substitutions = pending(false);
  expect(substitutions.rejected(7)!.equals(request(7))).toBe(true);
  expect(substitutions.awaitsNopIn(7)).toBe(false);
  expect(endAll(substitutions)).toBe(false);
  expect(substitutions.rejected(7)).toBeUndefined();
});

test('after a Reject the data that is still on its way is awaited, and answered by nothing', () => {
  const substitutions = pending(true);
  substitutions.rejected(7);
  expect(substitutions.awaitsData(7)).toBe(true);
  expect(substitutions.dataEnded(7)).toBeUndefined();
  expect(substitutions.awaitsData(7)).toBe(false);
});

test('the request that is kept is a copy', () => {
  const substitutions = new Substitutions();
  const own = request(7);
  substitutions.replace(own, ANSWER);
  own.fill(0);
  expect(substitutions.rejected(7)!.equals(request(7))).toBe(true);
});

test('pending requests are counted by opcode', () => {
  const substitutions = pending(false);
  substitutions.replace(encodeBhs('scsiCommand', { initiatorTaskTag: 8 }), ANSWER);
  expect(substitutions.count(Opcode.textRequest)).toBe(1);
  expect(substitutions.count(Opcode.scsiCommand)).toBe(1);
});

test('4096 may be pending, not 4097', () => {
  const substitutions = new Substitutions();
  for (let tag = 0; tag < 4096; tag++) substitutions.replace(request(tag), ANSWER);
  expectProtocolError('too_many_pieces', () => substitutions.replace(request(4096), ANSWER));
  substitutions.nopIn(0);
  substitutions.replace(request(4096), ANSWER);
});
