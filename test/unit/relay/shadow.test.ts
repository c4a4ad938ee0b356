import { expect, test } from 'vitest';
import { opcodeAt } from '../../../src/iscsi/bhs.ts';
import { decodeBhs } from '../../../src/iscsi/layouts.ts';
import { encodePdu } from '../../../src/iscsi/pdu.ts';
import { TaskFunction } from '../../../src/iscsi/taskManagement.ts';
import { describeDenied } from '../../../src/relay/access.ts';
import { authenticated, reauthorized } from '../../support/authenticated.ts';
import { DISK } from '../../support/initiatorRule.ts';
import { expectProtocolError } from '../../support/protocolErrors.ts';
import { answerPing, cdb, lun } from '../../support/refusals.ts';
import { Relayed, STAT_SN, TARGET_STAT_SN } from '../../support/relayed.ts';

const ACCESS = { luns: [0], mode: 'read-only' } as const;
const SHADOW = { rule: { shadow: true } };
const LIST = Buffer.from('000000100000000000000000000000000005000000000000', 'hex');

const uncovered = () => authenticated(DISK, DISK, {}, { shadow: true, access: [] });
const shadowed = () => new Relayed({ proofs: authenticated(DISK, DISK, ACCESS, { shadow: true }) });

test.each([
  ['2a', '0000', 'write-protected'],
  ['28', '0005', 'hidden-lun'],
  ['5f', '0000', 'write-protected'],
])('command %s at LUN %s goes on as it came, and is told', (code, at, kind) => {
  const relayed = shadowed();
  const fields = {
    initiatorTaskTag: 1,
    write: true,
    expStatSN: TARGET_STAT_SN,
    lun: lun(at),
    cdb: cdb(code),
  };
  const wire = [
    encodePdu('scsiCommand', fields, Buffer.alloc(100, 1)),
    encodePdu(
      'dataOut',
      { initiatorTaskTag: 1, final: true, expStatSN: TARGET_STAT_SN },
      Buffer.alloc(100, 2),
    ),
  ];
  for (const pdu of wire) relayed.relay.fromInitiator(Buffer.from(pdu));
  expect(relayed.bytesAt('target').equals(Buffer.concat(wire))).toBe(true);
  const operationCode = Number.parseInt(code, 16);
  expect(relayed.denied).toMatchObject([{ kind, enforced: false, command: { operationCode } }]);
  relayed.respond('scsiResponse', { initiatorTaskTag: 1, statSN: TARGET_STAT_SN });
  expect(decodeBhs('scsiResponse', relayed.at('initiator')[0]!.bhs)).toMatchObject({
    status: 0,
    statSN: STAT_SN,
  });
});

test('task management goes on, and is told', () => {
  const relayed = shadowed();
  const fields = { initiatorTaskTag: 1, function: TaskFunction.logicalUnitReset, lun: lun('0005') };
  relayed.request('taskManagementRequest', fields);
  expect(opcodeAt(relayed.at('target')[0]!.bhs, 0)).toBe(0x02);
  expect(relayed.denied).toMatchObject([{ kind: 'hidden-lun', enforced: false, taskFunction: 5, lun: 5 }]);
});

test.each([
  ['FORMAT UNIT', '04', '0000', 'write-protected', 'format'],
  ['SANITIZE at a hidden logical unit', '48', '0005', 'hidden-lun', 'sanitize'],
  ['EXTENDED COPY', '83', '0000', 'write-protected', 'extended-copy'],
  ['a vendor command', 'c0', '0000', 'write-protected', 'vendor'],
  ['an operation code that is in no table', '76', '0000', 'write-protected', undefined],
] as const)('%s is refused in shadow too', (_, code, at, kind, danger) => {
  const relayed = shadowed();
  relayed.request('scsiCommand', { initiatorTaskTag: 1, final: true, lun: lun(at), cdb: cdb(code) });
  expect(opcodeAt(relayed.at('target')[0]!.bhs, 0)).toBe(0x00);
  expect(relayed.denied).toMatchObject([{ kind, enforced: true }]);
  expect(relayed.denied[0]!.danger).toBe(danger);
});

test.each([TaskFunction.targetWarmReset, TaskFunction.targetColdReset, 99])(
  'task management function %i, which reaches others, is refused in shadow too',
  (taskFunction) => {
    const relayed = shadowed();
    relayed.request('taskManagementRequest', { initiatorTaskTag: 1, function: taskFunction });
    expect(opcodeAt(relayed.at('target')[0]!.bhs, 0)).toBe(0x00);
    expect(relayed.denied).toMatchObject([{ kind: 'not-supported', enforced: true, taskFunction }]);
  },
);

test('a danger that an entry allows by name passes in shadow as it would without', () => {
  const proofs = authenticated(DISK, DISK, { allow: ['format'] }, { shadow: true });
  const relayed = new Relayed({ proofs });
  relayed.request('scsiCommand', { initiatorTaskTag: 1, final: true, cdb: cdb('04') });
  expect(opcodeAt(relayed.at('target')[0]!.bhs, 0)).toBe(0x01);
  expect(relayed.notable).toMatchObject([{ effect: 'format' }]);
  expect(relayed.denied).toEqual([]);
});

test('at a target that no entry covers, what shadow lets pass is told, and dangers are refused', () => {
  const relayed = new Relayed({ proofs: uncovered() });
  for (const [initiatorTaskTag, code] of ['28', '15', '04', 'c0'].entries()) {
    relayed.request('scsiCommand', { initiatorTaskTag, final: true, lun: lun('0003'), cdb: cdb(code) });
  }
  relayed.request('taskManagementRequest', { initiatorTaskTag: 9, function: TaskFunction.queryTask });
  expect(relayed.at('target').map(({ bhs }) => opcodeAt(bhs, 0))).toEqual([0x01, 0x01, 0x00, 0x00, 0x02]);
  expect(relayed.denied.map((denied) => [denied.enforced, describeDenied(denied)])).toEqual([
    [false, 'READ (10) 28h on LUN 3: no-access'],
    [false, 'MODE SELECT (6) 15h on LUN 3: no-access'],
    [true, 'FORMAT UNIT 04h on LUN 3: not-supported'],
    [true, 'C0h on LUN 3: not-supported'],
    [false, 'QUERY TASK on LUN 0: no-access'],
  ]);
  expect(relayed.notable).toEqual([]);
});

test.each([
  ['REPORT LUNS', 'a0', LIST.toString('hex')],
  ['MODE SENSE (6)', '1a', '03000000'],
  ['MODE SENSE (10)', '5a', '0006000000000000'],
])('%s shows what the target says', (_, code, data) => {
  const relayed = shadowed();
  relayed.request('scsiCommand', { initiatorTaskTag: 1, final: true, read: true, cdb: cdb(code) });
  const fields = { initiatorTaskTag: 1, final: true, hasStatus: true, statSN: TARGET_STAT_SN };
  relayed.respond('dataIn', fields, Buffer.from(data, 'hex'));
  expect(relayed.at('initiator')[0]!.data.toString('hex')).toBe(data);
  expect(relayed.denied).toEqual([]);
});

test('Text that is answered here is denied in shadow too', () => {
  const relayed = shadowed();
  const request = { initiatorTaskTag: 1, final: true, targetTransferTag: 0xffffffff };
  relayed.request('textRequest', request, Buffer.from('SendTargets=All\0'));
  expect(relayed.denied).toMatchObject([{ kind: 'text', enforced: true }]);
});

test('out of shadow, what has gone on ends as it began and what comes is refused', () => {
  const relayed = shadowed();
  relayed.request('scsiCommand', { initiatorTaskTag: 1, write: true, cdb: cdb('2a') });
  relayed.relay.changeAccess(reauthorized(ACCESS));
  relayed.request('dataOut', { initiatorTaskTag: 1, final: true }, Buffer.alloc(4));
  relayed.request('scsiCommand', { initiatorTaskTag: 2, final: true, write: true, cdb: cdb('2a') });
  expect(relayed.at('target').map(({ bhs }) => opcodeAt(bhs, 0))).toEqual([0x01, 0x05, 0x00]);
  expect(relayed.denied.map(({ enforced }) => enforced)).toEqual([false, true]);
});

test('out of shadow, a command from before does not free the answer of a REPORT LUNS under its tag', () => {
  const relayed = shadowed();
  const command = { initiatorTaskTag: 1, final: true, read: true };
  relayed.request('scsiCommand', { ...command, cdb: cdb('28') });
  relayed.relay.changeAccess(reauthorized(ACCESS));
  expectProtocolError('bad_sequence', () => relayed.request('scsiCommand', { ...command, cdb: cdb('a0') }));
});

test('into shadow, what was refused before is answered, and the next passes', () => {
  const relayed = new Relayed({ access: ACCESS });
  relayed.request('scsiCommand', { initiatorTaskTag: 1, final: true, write: true, cdb: cdb('2a') });
  relayed.relay.changeAccess(reauthorized(ACCESS, SHADOW));
  relayed.request('scsiCommand', { initiatorTaskTag: 2, final: true, write: true, cdb: cdb('2a') });
  expect(relayed.at('target').map(({ bhs }) => opcodeAt(bhs, 0))).toEqual([0x00, 0x01]);
  answerPing(relayed, 1);
  expect(decodeBhs('scsiResponse', relayed.at('initiator')[0]!.bhs)).toMatchObject({ status: 2 });
});
