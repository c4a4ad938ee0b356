import { expect, test } from 'vitest';
import { decodeBhs, encodeBhs, type PduFields } from '../../../src/iscsi/layouts.ts';
import { encodePdu, NO_DIGESTS, parseWirePdu, type Pdu } from '../../../src/iscsi/pdu.ts';
import { TaskFunction } from '../../../src/iscsi/taskManagement.ts';
import { CommandPolicy } from '../../../src/policy/commandPolicy.ts';
import type { AccessRule } from '../../../src/policy/rules.ts';
import { ResponseFilter } from '../../../src/relay/responseFilter.ts';
import { taskScope } from '../../../src/relay/task.ts';
import { accessRule } from '../../support/initiatorRule.ts';
import { VISIBLE_LUNS as VISIBLE, WHOLE_LUNS as WHOLE } from '../../support/lunLists.ts';
import { expectProtocolError } from '../../support/protocolErrors.ts';
import { cdb } from '../../support/refusals.ts';
import { Relayed, TARGET_STAT_SN } from '../../support/relayed.ts';

const policyOf = (rule: Partial<AccessRule>) => new CommandPolicy(accessRule(rule));
const MASKING: Partial<AccessRule> = { luns: [1, 300] };

function dataIn(data: Buffer, fields: Partial<PduFields<'dataIn'>>): Pdu {
  return parseWirePdu(encodePdu('dataIn', { initiatorTaskTag: 7, ...fields }, data), NO_DIGESTS);
}

/** A filter that has seen the command go by. */
function after(rule: Partial<AccessRule>, operationCode: number): ResponseFilter {
  const filter = new ResponseFilter();
  command(filter, operationCode, { rule });
  return filter;
}

function command(
  filter: ResponseFilter,
  operationCode: number,
  { initiatorTaskTag = 7, rule = MASKING } = {},
): void {
  const cdb = Buffer.alloc(16);
  cdb[0] = operationCode;
  filter.release(initiatorTaskTag);
  filter.command(encodeBhs('scsiCommand', { initiatorTaskTag, cdb }), 0, policyOf(rule));
}

const passes = (filter: ResponseFilter, tag: number, hasStatus: boolean) =>
  filter.passes(filter.find(tag), hasStatus);

function takeDataIn(filter: ResponseFilter, pdu: Pdu): readonly Pdu[] {
  return filter.dataIn(filter.find(decodeBhs('dataIn', pdu.bhs).initiatorTaskTag), pdu);
}

const end = (filter: ResponseFilter, tag: number, response: readonly Pdu[] = []): readonly Pdu[] =>
  filter.ended(filter.find(tag), response);

const RESET = taskScope(encodeBhs('taskManagementRequest', { function: TaskFunction.nexusReset }), 0);

/** @returns true if a command was under way */
const endAll = (filter: ResponseFilter, last = filter.ordinal) => filter.end(RESET, last);

const wholeData = (pdus: readonly Pdu[]) => Buffer.concat(pdus.map(({ data }) => data));

test.each([1, 4, 7, 8, 9, 16, 100])('a list in pieces of %i bytes comes out whole', (size) => {
  const filter = after(MASKING, 0xa0);
  const out: Pdu[] = [];
  let pieces = 0;
  for (let at = 0; at < WHOLE.length; at += size) {
    expect(passes(filter, 7, false)).toBe(false);
    expect(out).toEqual([]);
    const hasStatus = at + size >= WHOLE.length;
    const fields = { bufferOffset: at, dataSN: pieces++, hasStatus };
    out.push(...takeDataIn(filter, dataIn(WHOLE.subarray(at, at + size), fields)));
  }
  expect(wholeData(out).toString('hex')).toBe(VISIBLE.toString('hex'));
  const headers = out.map(({ bhs }) => decodeBhs('dataIn', bhs));
  expect(headers.map(({ dataSN }) => dataSN)).toEqual(Array.from({ length: pieces }, (_, i) => i));
  expect(headers.at(-1)).toMatchObject({ hasStatus: true, underflow: true, residualCount: 32 });
  expect(passes(filter, 7, false)).toBe(true);
  expect(endAll(filter)).toBe(false);
});

test('a list whose status comes in a SCSI Response goes out before it', () => {
  const filter = after(MASKING, 0xa0);
  expect(takeDataIn(filter, dataIn(WHOLE, { final: true }))).toEqual([]);
  const response = parseWirePdu(encodePdu('scsiResponse', { initiatorTaskTag: 7, expDataSN: 1 }), NO_DIGESTS);
  const [list, status] = end(filter, 7, [response]);
  expect(list!.data.equals(VISIBLE)).toBe(true);
  expect(decodeBhs('dataIn', list!.bhs)).toMatchObject({ final: true, underflow: false });
  expect(decodeBhs('scsiResponse', status!.bhs)).toMatchObject({
    underflow: true,
    residualCount: 32,
    expDataSN: 1,
  });
});

test('a REPORT LUNS that fails has nothing to go out', () => {
  expect(end(after(MASKING, 0xa0), 7)).toEqual([]);
});

test('a list that does not come in order ends the session', () => {
  const filter = after(MASKING, 0xa0);
  expectProtocolError('bad_sequence', () => takeDataIn(filter, dataIn(WHOLE, { bufferOffset: 8 })));
});

test('a list without end is not collected: 256 KiB, and 1024 pieces', () => {
  const long = after(MASKING, 0xa0);
  takeDataIn(long, dataIn(Buffer.alloc(256 * 1024), {}));
  expectProtocolError('bad_sequence', () =>
    takeDataIn(long, dataIn(Buffer.alloc(1), { bufferOffset: 256 * 1024 })),
  );
  const pieces = after(MASKING, 0xa0);
  for (let i = 0; i < 1024; i++) takeDataIn(pieces, dataIn(Buffer.alloc(0), {}));
  expectProtocolError('bad_sequence', () => takeDataIn(pieces, dataIn(Buffer.alloc(0), {})));
});

test('the bound is on all lists together, and what has gone out does not count', () => {
  const filter = new ResponseFilter();
  for (let tag = 0; tag < 8; tag++) {
    command(filter, 0xa0, { initiatorTaskTag: tag });
    takeDataIn(filter, dataIn(Buffer.alloc(200 * 1024), { initiatorTaskTag: tag, hasStatus: true }));
  }
  command(filter, 0xa0, { initiatorTaskTag: 1 });
  command(filter, 0xa0, { initiatorTaskTag: 2 });
  takeDataIn(filter, dataIn(Buffer.alloc(200 * 1024), { initiatorTaskTag: 1 }));
  expectProtocolError('bad_sequence', () =>
    takeDataIn(filter, dataIn(Buffer.alloc(200 * 1024), { initiatorTaskTag: 2 })),
  );
});

test.each([
  [0x1a, 2],
  [0x5a, 3],
])('read-only, MODE SENSE (%i) says that the medium is write-protected', (operationCode, at) => {
  for (const size of [1, 3, 8]) {
    const filter = after({ mode: 'read-only' }, operationCode);
    const sent = Buffer.from('1122104455667788', 'hex');
    const out: Pdu[] = [];
    for (let from = 0; from < sent.length; from += size) {
      const hasStatus = from + size >= sent.length;
      const pdu = dataIn(sent.subarray(from, from + size), { bufferOffset: from, hasStatus });
      out.push(...takeDataIn(filter, pdu));
    }
    const expected = Buffer.from(sent);
    expected[at]! |= 0x80;
    expect(wholeData(out).toString('hex')).toBe(expected.toString('hex'));
    expect(passes(filter, 7, false)).toBe(true);
  }
});

test('mode parameters that are cut before that byte pass as they are', () => {
  const filter = after({ mode: 'read-only' }, 0x1a);
  const out = takeDataIn(filter, dataIn(Buffer.from([1, 2]), { hasStatus: true }));
  expect([...wholeData(out)]).toEqual([1, 2]);
});

test.each([
  ['read-write without luns', {}, [0xa0, 0x1a, 0x5a, 0x28]],
  ['with luns, read-write', MASKING, [0x1a, 0x5a, 0x28]],
  ['read-only without luns', { mode: 'read-only' }, [0xa0, 0x28]],
] as const)('%s, nothing else is rewritten', (_, rule, operationCodes) => {
  for (const operationCode of operationCodes) expect(passes(after(rule, operationCode), 7, false)).toBe(true);
});

test('a tag in use is refused, whichever of the two commands is rewritten', () => {
  for (const [first, second] of [
    [0xa0, 0x00],
    [0x00, 0xa0],
    [0xa0, 0xa0],
  ] as const) {
    const filter = after(MASKING, first);
    expectProtocolError('bad_sequence', () => command(filter, second));
    expect(passes(filter, 7, false)).toBe(first !== 0xa0);
  }
});

test('the status of an answer that passes frees the tag', () => {
  const filter = after(MASKING, 0x28);
  expect(passes(filter, 7, false)).toBe(true);
  expect(endAll(filter)).toBe(true);
  expect(passes(filter, 7, true)).toBe(true);
  expect(endAll(filter)).toBe(false);
});

test('after its answer a tag is free', () => {
  const filter = after(MASKING, 0xa0);
  end(filter, 7);
  command(filter, 0x28);
  expect(passes(filter, 7, false)).toBe(true);
});

test('after an abort a tag is free, and what was held back for it is gone', () => {
  const filter = after(MASKING, 0xa0);
  takeDataIn(filter, dataIn(Buffer.alloc(256 * 1024), {}));
  endAll(filter);
  expect(passes(filter, 7, false)).toBe(false);
  command(filter, 0xa0);
  expect(takeDataIn(filter, dataIn(WHOLE, { hasStatus: true }))).toHaveLength(1);
});

test('the next command under a tag is another task than the one that was to be aborted', () => {
  const filter = after(MASKING, 0x28);
  const last = filter.ordinal;
  end(filter, 7);
  command(filter, 0x28);
  expect(endAll(filter, last)).toBe(false);
  expectProtocolError('bad_sequence', () => command(filter, 0xa0));
});

test('a command that came after an abort under the same tag is no more the one that was to be aborted', () => {
  const filter = after(MASKING, 0x28);
  const last = filter.ordinal;
  endAll(filter);
  command(filter, 0x28);
  expect(endAll(filter, last)).toBe(false);
  expectProtocolError('bad_sequence', () => command(filter, 0xa0));
});

test('tags that are used once and never again are forgotten, whatever their number', () => {
  const filter = new ResponseFilter();
  for (let tag = 0; tag < 20_000; tag++) {
    command(filter, 0x28, { initiatorTaskTag: tag });
    end(filter, tag);
  }
  expect(endAll(filter)).toBe(false);
});

test('a command that the target rejects leaves its tag free', () => {
  const filter = after(MASKING, 0xa0);
  filter.rejected(7);
  command(filter, 0x28);
  expect(endAll(filter)).toBe(true);
});

test('where nothing is rewritten, a tag in use is refused all the same: it may be rewritten later', () => {
  const filter = after({}, 0x00);
  expectProtocolError('bad_sequence', () => command(filter, 0xa0, { rule: MASKING }));
  end(filter, 7);
  expect(endAll(filter)).toBe(false);
});

test('a list is masked by the policy under which it was asked for', () => {
  const filter = after(MASKING, 0xa0);
  command(filter, 0xa0, { initiatorTaskTag: 8, rule: {} });
  expect(passes(filter, 8, false)).toBe(true);
  expect(wholeData(takeDataIn(filter, dataIn(WHOLE, { hasStatus: true }))).equals(VISIBLE)).toBe(true);
});

test('16384 commands may be under way, not 16385', () => {
  const filter = new ResponseFilter();
  for (let tag = 0; tag < 16384; tag++) command(filter, 0x28, { initiatorTaskTag: tag });
  expectProtocolError('too_many_pieces', () => command(filter, 0x28, { initiatorTaskTag: 16384 }));
});

test('commands that were aborted do not use up the places of those to come', () => {
  const relayed = new Relayed({ access: { luns: [0, 1] } });
  const abort = { function: TaskFunction.abortTask, initiatorTaskTag: 0x7fff_0000 } as const;
  let statSN = TARGET_STAT_SN;
  for (let tag = 1; tag <= 16_500; tag++) {
    relayed.request('scsiCommand', { initiatorTaskTag: tag, final: true, cdb: cdb('28') });
    relayed.request('taskManagementRequest', { ...abort, referencedTaskTag: tag });
    relayed.respond('taskManagementResponse', { initiatorTaskTag: abort.initiatorTaskTag, statSN: statSN++ });
  }
  relayed.bytesAt('target');
  relayed.request('nopOut', { final: true, initiatorTaskTag: 5 });
  expect(relayed.at('target')).toHaveLength(1);
});
