import { expect, test } from 'vitest';
import { opcodeAt } from '../../../src/iscsi/bhs.ts';
import { decodeBhs } from '../../../src/iscsi/layouts.ts';
import { TaskFunction } from '../../../src/iscsi/taskManagement.ts';
import { Authorization, Policy } from '../../../src/policy/policy.ts';
import { Secret } from '../../../src/policy/secret.ts';
import { authenticated, reauthorized } from '../../support/authenticated.ts';
import { accessRule, certificate, initiatorRule } from '../../support/initiatorRule.ts';
import { expectProtocolError } from '../../support/protocolErrors.ts';
import { answerPing, cdb, lun } from '../../support/refusals.ts';
import { Relayed, TARGET_STAT_SN } from '../../support/relayed.ts';

const NOP_OUT = 0x00;
const COMMAND = 0x01;
const CHAP = { user: 'db1', secret: new Secret(Buffer.alloc(16)), algorithms: ['md5'] } as const;
const LIST = Buffer.from('0000001800000000000000000000000000010000000000000005000000000000', 'hex');

function send(relayed: Relayed, tag: number, code: string, at = '0000'): number | undefined {
  relayed.request('scsiCommand', {
    initiatorTaskTag: tag,
    final: true,
    read: true,
    lun: lun(at),
    expectedDataTransferLength: 64,
    cdb: cdb(code),
  });
  const [pdu] = relayed.at('target');
  return pdu && opcodeAt(pdu.bhs, 0);
}

/** What the initiator sees of the data that the target sends. */
function read(relayed: Relayed, tag: number, data: Buffer): string {
  const fields = { initiatorTaskTag: tag, final: true, hasStatus: true, statSN: TARGET_STAT_SN };
  relayed.respond('dataIn', fields, data);
  return relayed.at('initiator')[0]!.data.toString('hex');
}

test('LUN mask, mode and allowed commands follow from the next command on', () => {
  const relayed = new Relayed({ access: { luns: [0, 1] } });
  expect(send(relayed, 1, '2a')).toBe(COMMAND);
  expect(send(relayed, 2, '28', '0001')).toBe(COMMAND);
  expect(send(relayed, 3, '04')).toBe(NOP_OUT);
  relayed.relay.changeAccess(reauthorized({ luns: [0], mode: 'read-only' }));
  expect(send(relayed, 4, '2a')).toBe(NOP_OUT);
  expect(send(relayed, 5, '28', '0001')).toBe(NOP_OUT);
  relayed.relay.changeAccess(reauthorized({ allow: ['format'] }));
  expect(send(relayed, 6, '2a')).toBe(COMMAND);
  expect(send(relayed, 7, '28', '0001')).toBe(COMMAND);
  expect(send(relayed, 8, '04')).toBe(COMMAND);
});

test('a REPORT LUNS under way keeps the mask it began with, the next one has the new', () => {
  const relayed = new Relayed({ access: { luns: [0] } });
  send(relayed, 1, 'a0');
  relayed.relay.changeAccess(reauthorized({ luns: [0, 1] }));
  send(relayed, 2, 'a0');
  relayed.relay.changeAccess(reauthorized({}));
  send(relayed, 3, 'a0');
  relayed.relay.changeAccess(reauthorized({ luns: [5] }));
  expect(read(relayed, 1, LIST)).toBe('00000008000000000000000000000000');
  expect(read(relayed, 2, LIST)).toBe('000000100000000000000000000000000001000000000000');
  expect(read(relayed, 3, LIST)).toBe(LIST.toString('hex'));
});

test('a disk that may only be read from now on says so in the next MODE SENSE', () => {
  const relayed = new Relayed();
  send(relayed, 1, '1a');
  relayed.relay.changeAccess(reauthorized({ mode: 'read-only' }));
  send(relayed, 2, '1a');
  expect(read(relayed, 1, Buffer.from('03000000', 'hex'))).toBe('03000000');
  expect(read(relayed, 2, Buffer.from('03000000', 'hex'))).toBe('03008000');
});

test('a command from before the change does not free the answer of a REPORT LUNS under its tag', () => {
  const relayed = new Relayed();
  send(relayed, 1, '00');
  relayed.relay.changeAccess(reauthorized({ luns: [0] }));
  expectProtocolError('bad_sequence', () => send(relayed, 1, 'a0'));
});

test('a session that the next policy may still use its target goes on with that one’s verdict', () => {
  const proofs = authenticated();
  const relayed = new Relayed({ proofs });
  const next = new Policy([initiatorRule({ access: [accessRule({ mode: 'read-only' })] })]);
  relayed.relay.changeAccess(next.reconsider(proofs.authorization));
  expect(send(relayed, 1, '2a')).toBe(NOP_OUT);
});

test('what was refused before gets its answer, and its data is absorbed', () => {
  const relayed = new Relayed({ access: { mode: 'read-only' } });
  relayed.request('scsiCommand', { initiatorTaskTag: 1, write: true, cdb: cdb('2a') });
  relayed.at('target');
  relayed.relay.changeAccess(reauthorized({}));
  relayed.request('dataOut', { initiatorTaskTag: 1, final: true }, Buffer.alloc(512));
  expect(relayed.bytesAt('target')).toHaveLength(0);
  answerPing(relayed, 1);
  const [response] = relayed.at('initiator');
  expect(decodeBhs('scsiResponse', response!.bhs)).toMatchObject({ initiatorTaskTag: 1, status: 2 });
});

test('a write from before the change still gets its data through', () => {
  const relayed = new Relayed();
  relayed.request('scsiCommand', { initiatorTaskTag: 1, write: true, cdb: cdb('2a') });
  relayed.at('target');
  relayed.relay.changeAccess(reauthorized({ luns: [], mode: 'read-only' }));
  relayed.request('dataOut', { initiatorTaskTag: 1, final: true }, Buffer.alloc(512, 0xaa));
  expect(relayed.at('target')[0]!.data.equals(Buffer.alloc(512, 0xaa))).toBe(true);
});

test('a command at a LUN that is hidden by now may be aborted, others that may be there may not', () => {
  const relayed = new Relayed();
  send(relayed, 1, '28', '0005');
  relayed.relay.changeAccess(reauthorized({ luns: [0] }));
  const abort = (tag: number, referencedTaskTag: number) => {
    const management = { initiatorTaskTag: tag, function: TaskFunction.abortTask, lun: lun('0005') };
    relayed.request('taskManagementRequest', { ...management, referencedTaskTag });
    return opcodeAt(relayed.at('target')[0]!.bhs, 0);
  };
  expect(abort(10, 1)).toBe(0x02);
  expect(abort(11, 2)).toBe(NOP_OUT);
});

test('task management follows as well', () => {
  const relayed = new Relayed();
  const reset = (tag: number) => {
    relayed.request('taskManagementRequest', {
      initiatorTaskTag: tag,
      function: TaskFunction.targetWarmReset,
    });
    return opcodeAt(relayed.at('target')[0]!.bhs, 0);
  };
  expect(reset(1)).toBe(NOP_OUT);
  relayed.relay.changeAccess(reauthorized({ allow: ['target-reset'] }));
  expect(reset(2)).toBe(0x02);
});

test.each([
  ['another initiator', reauthorized({}, { asking: { initiatorName: 'iqn.1993-08.org.debian:01:db2' } })],
  ['another address', reauthorized({}, { asking: { address: '203.0.113.8' } })],
  [
    'another certificate',
    reauthorized({}, { asking: { certificate: certificate({ sha256: 'cd'.repeat(32) }) } }),
  ],
  ['somebody who proves with CHAP who it is', reauthorized({}, { rule: { chap: CHAP } })],
  ['another target', reauthorized({}, { target: 'iqn.2001-05.com.equallogic:disk-db1-log' })],
  ['nobody', Object.assign({}, reauthorized({}))],
  ['a forger', Object.assign(Object.create(Authorization.prototype), reauthorized({})) as Authorization],
])('an authorization of %s is refused, and the session keeps what it had', (_, authorization) => {
  const relayed = new Relayed({ access: { mode: 'read-only' } });
  expect(() => relayed.relay.changeAccess(authorization)).toThrow(TypeError);
  expect(send(relayed, 1, '2a')).toBe(NOP_OUT);
});
