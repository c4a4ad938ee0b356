import { expect, test } from 'vitest';
import { TaskFunction } from '../../../src/iscsi/taskManagement.ts';
import { CommandPolicy, type Denial } from '../../../src/policy/commandPolicy.ts';
import type { AccessRule } from '../../../src/policy/rules.ts';
import {
  classifyCommand,
  DANGEROUS_COMMANDS,
  type DangerousCommand,
} from '../../../src/scsi/commandClass.ts';
import { accessRule } from '../../support/initiatorRule.ts';

const WELL_KNOWN = 'c101000000000000';
const READ = '28';
const WRITE = '2a';
const REPORT_LUNS = 'a0';

/** The verdict on a command at a LUN, both in hex. */
function judge(rule: Partial<AccessRule>, cdb: string, lun = '0000000000000000'): Denial | undefined {
  const bytes = Buffer.concat([Buffer.from(lun, 'hex'), Buffer.from(cdb.padEnd(32, '0'), 'hex')]);
  return new CommandPolicy(accessRule(rule)).judgeCommand(classifyCommand(bytes, 8), bytes, 0);
}

function judgeFunction(rule: Partial<AccessRule>, taskFunction: number, lun = '0000000000000000') {
  const bytes = Buffer.from(lun, 'hex');
  return new CommandPolicy(accessRule(rule)).judgeTaskManagement(taskFunction, bytes, 0);
}

const DANGEROUS: Record<DangerousCommand, string> = {
  format: '04',
  sanitize: '48',
  reassign: '07',
  erase: '19',
  'extended-copy': '83',
  'write-buffer': '3b',
  'security-protocol': 'b5',
  'pass-through': '85',
  vendor: 'c0',
};

test.each([
  ['reading', READ, undefined, undefined],
  ['unmounting', '35', undefined, undefined],
  ['writing', WRITE, undefined, 'write-protected'],
  ['UNMAP', '42', undefined, 'write-protected'],
  ['WRITE SAME', '93', undefined, 'write-protected'],
  ['COMPARE AND WRITE', '89', undefined, 'write-protected'],
  ['a persistent reservation', '5f', undefined, 'write-protected'],
  ['asking for reservations', '5e', undefined, undefined],
  ['RESERVE', '16', undefined, 'write-protected'],
  ['a setting', '15', undefined, 'write-protected'],
  ['a command that is not in the table', '40', 'not-supported', 'write-protected'],
  ['an unknown service action', '9e1f', 'not-supported', 'write-protected'],
])('%s (%s) read-write gets %s, read-only %s', (_, cdb, readWrite, readOnly) => {
  expect(judge({ mode: 'read-write' }, cdb)).toBe(readWrite);
  expect(judge({ mode: 'read-only' }, cdb)).toBe(readOnly);
});

test.each(DANGEROUS_COMMANDS)('%s is refused until it is allowed by name, and to a reader always', (name) => {
  const others = DANGEROUS_COMMANDS.filter((other) => other !== name);
  expect(judge({}, DANGEROUS[name])).toBe('not-supported');
  expect(judge({ allow: others }, DANGEROUS[name])).toBe('not-supported');
  expect(judge({ allow: [name] }, DANGEROUS[name])).toBeUndefined();
  expect(judge({ mode: 'read-only', allow: [name] }, DANGEROUS[name])).toBe('write-protected');
});

test('reservations can be allowed to whoever only reads', () => {
  const rule = { mode: 'read-only', allow: ['reservations'] } as const;
  for (const cdb of ['16', '17', '56', '57', '5f']) expect(judge(rule, cdb)).toBeUndefined();
  expect(judge(rule, WRITE)).toBe('write-protected');
});

test('nothing that can be allowed lets an unknown command through', () => {
  const allow = [...DANGEROUS_COMMANDS, 'target-reset', 'reservations'] as const;
  expect(judge({ allow }, '40')).toBe('not-supported');
});

test.each(['0005000000000000', '4005000000000000'])('%s is logical unit 5', (lun) => {
  expect(judge({ luns: [5] }, READ, lun)).toBeUndefined();
  expect(judge({ luns: [4] }, READ, lun)).toBe('hidden-lun');
});

test.each([
  ['bus 1', '0105000000000000'],
  ['a second level', '0005000100000000'],
  ['a tail', '0005000000000001'],
  ['logical unit addressing', '8005000000000000'],
  ['extended addressing', 'd200000500000000'],
  ['another well-known unit', 'c102000000000000'],
])('a LUN of a form that could be an alias is not there: %s', (_, lun) => {
  expect(judge({ luns: [0, 5] }, READ, lun)).toBe('hidden-lun');
  expect(judgeFunction({ luns: [0, 5] }, TaskFunction.logicalUnitReset, lun)).toBe('hidden-lun');
});

test('of all logical units those of the rule are there, and no others', () => {
  const luns = [0, 31, 32, 63, 300, 16383];
  const isThere = (lun: number) =>
    judge({ luns }, READ, (0x4000 | lun).toString(16).padEnd(16, '0')) === undefined;
  expect(Array.from({ length: 16384 }, (_, lun) => lun).filter(isThere)).toEqual(luns);
  expect(judge({ luns: [] }, READ)).toBe('hidden-lun');
});

test('without luns in the rule nothing is hidden', () => {
  expect(judge({}, READ, '3fff000000000000')).toBeUndefined();
  expect(new CommandPolicy(accessRule({})).masksLuns).toBe(false);
  expect(new CommandPolicy(accessRule({ luns: [0] })).masksLuns).toBe(true);
});

test('REPORT LUNS may be asked at LUN 0, at the well-known logical unit and at what is there', () => {
  for (const lun of ['0000000000000000', '4000000000000000', '0005000000000000', WELL_KNOWN]) {
    expect(judge({ luns: [5] }, REPORT_LUNS, lun)).toBeUndefined();
  }
});

test('REPORT LUNS asked at a hidden LUN does not tell that it is there', () => {
  for (const lun of ['0007000000000000', '8005000000000000']) {
    expect(judge({ luns: [5] }, REPORT_LUNS, lun)).toBe('hidden-lun');
  }
});

test('the well-known logical unit is there for what changes nothing', () => {
  expect(judge({ luns: [5] }, '12', WELL_KNOWN)).toBeUndefined();
  expect(judge({ luns: [5] }, '00', WELL_KNOWN)).toBeUndefined();
  expect(judge({ luns: [5] }, WRITE, WELL_KNOWN)).toBe('hidden-lun');
});

test('a hidden LUN does not tell that it would be write-protected', () => {
  expect(judge({ luns: [5], mode: 'read-only' }, WRITE, '0007000000000000')).toBe('hidden-lun');
});

test.each(['targetWarmReset', 'targetColdReset'] as const)('%s is refused until it is allowed', (name) => {
  const lun = '0007000000000000'; // the field is reserved
  expect(judgeFunction({ luns: [5] }, TaskFunction[name], lun)).toBe('not-supported');
  expect(judgeFunction({ luns: [5], allow: ['target-reset'] }, TaskFunction[name], lun)).toBeUndefined();
});

test('a reset of the own nexus reaches nobody else', () => {
  expect(judgeFunction({ luns: [5] }, TaskFunction.nexusReset)).toBeUndefined();
});

test.each([
  'abortTask',
  'abortTaskSet',
  'clearAca',
  'clearTaskSet',
  'logicalUnitReset',
  'taskReassign',
  'queryTask',
  'queryTaskSet',
  'queryAsynchronousEvent',
] as const)('%s is for logical units that are there', (name) => {
  expect(judgeFunction({ luns: [5] }, TaskFunction[name], '4005000000000000')).toBeUndefined();
  expect(judgeFunction({ luns: [5] }, TaskFunction[name], '0006000000000000')).toBe('hidden-lun');
});

test.each([0, 13, 127])('a task management function that nobody knows is refused: %i', (taskFunction) => {
  expect(judgeFunction({}, taskFunction)).toBe('not-supported');
});
