import { expect, test } from 'vitest';
import { RESERVED_TAG } from '../../../src/iscsi/bhs.ts';
import { decodeBhs, type PduFields, type PduKind } from '../../../src/iscsi/layouts.ts';
import { TaskFunction } from '../../../src/iscsi/taskManagement.ts';
import { Relayed, STAT_SN, TARGET_STAT_SN } from '../../support/relayed.ts';

const DIGESTS = { header: true, data: true };
const TAG = 7;

/** Fields that PDUs of several kinds have. */
type Fields = Partial<PduFields<'scsiResponse' | 'r2t' | 'nopIn'>> & Record<string, unknown>;

/** The one PDU that reached the initiator. */
function received(relayed: Relayed): { bhs: Buffer; statSN: number } {
  const [pdu, ...more] = relayed.at('initiator');
  expect(more).toHaveLength(0);
  return { bhs: pdu!.bhs, statSN: pdu!.bhs.readUInt32BE(24) };
}

/** What the target is told with the next command. */
function expStatSN(relayed: Relayed): number {
  relayed.request('nopOut', { immediate: true, final: true, initiatorTaskTag: 99, expStatSN: STAT_SN });
  return relayed.at('target')[0]!.bhs.readUInt32BE(28);
}

const REQUESTS: PduKind[] = ['scsiCommand', 'dataOut', 'nopOut', 'taskManagementRequest', 'logoutRequest'];

test.each(REQUESTS)('%s reaches the target with nothing changed but ExpStatSN', (kind) => {
  const relayed = new Relayed({ digests: DIGESTS });
  const isAbort = kind === 'taskManagementRequest' && { function: TaskFunction.abortTask };
  const fields: Fields = { final: true, initiatorTaskTag: TAG, expStatSN: STAT_SN, ...isAbort };
  relayed.request(kind, fields, Buffer.from('data!'));
  const [pdu] = relayed.at('target');
  expect(pdu!.data.toString()).toBe('data!');
  expect(pdu!.bhs.readUInt32BE(28)).toBe(TARGET_STAT_SN);
  pdu!.bhs.writeUInt32BE(STAT_SN, 28);
  const plain = new Relayed({ expStatSN: STAT_SN });
  plain.request(kind, fields, Buffer.from('data!'));
  expect(pdu!.bhs.equals(plain.at('target')[0]!.bhs)).toBe(true);
});

const ADVANCING: [string, PduKind, Fields][] = [
  ['SCSI Response', 'scsiResponse', { initiatorTaskTag: TAG }],
  ['Task Management Response', 'taskManagementResponse', { initiatorTaskTag: TAG }],
  ['Logout Response', 'logoutResponse', { initiatorTaskTag: TAG }],
  ['Data-In with status', 'dataIn', { initiatorTaskTag: TAG, hasStatus: true }],
  ['NOP-In that answers', 'nopIn', { initiatorTaskTag: TAG }],
  ['Async Message', 'asyncMessage', { initiatorTaskTag: RESERVED_TAG }],
  ['Reject', 'reject', { initiatorTaskTag: RESERVED_TAG, reason: 9 }],
];

test.each(ADVANCING)('%s uses up a number of each leg', (_, kind, fields) => {
  const relayed = new Relayed({ digests: DIGESTS });
  const response: Fields = { final: true, ...fields, statSN: TARGET_STAT_SN };
  relayed.respond(kind, response);
  expect(received(relayed).statSN).toBe(STAT_SN);
  const next: Fields = { ...response, statSN: TARGET_STAT_SN + 1 };
  relayed.respond(kind, next);
  expect(received(relayed).statSN).toBe(STAT_SN + 1);
  expect(expStatSN(relayed)).toBe(TARGET_STAT_SN + 2);
});

const RESTING: [string, PduKind, Fields][] = [
  ['R2T', 'r2t', { initiatorTaskTag: TAG, targetTransferTag: 5, desiredDataTransferLength: 512 }],
  ['NOP-In of its own', 'nopIn', { initiatorTaskTag: RESERVED_TAG, targetTransferTag: 5 }],
];

test.each(RESTING)('%s shows the next number and leaves it', (_, kind, fields) => {
  const relayed = new Relayed({ digests: DIGESTS });
  for (let i = 0; i < 2; i++) {
    const response: Fields = { final: true, ...fields, statSN: TARGET_STAT_SN };
    relayed.respond(kind, response);
    expect(received(relayed).statSN).toBe(STAT_SN);
  }
  expect(expStatSN(relayed)).toBe(TARGET_STAT_SN);
  relayed.respond('scsiResponse', { final: true, initiatorTaskTag: TAG, statSN: TARGET_STAT_SN });
  expect(received(relayed).statSN).toBe(STAT_SN);
});

test.each([0, 0xffffffff, TARGET_STAT_SN])(
  'Data-In without status is left alone, whatever stands where StatSN is reserved (%i)',
  (statSN) => {
    const relayed = new Relayed({ digests: DIGESTS });
    relayed.respond('dataIn', { initiatorTaskTag: TAG, statSN }, Buffer.from('data'));
    expect(received(relayed).statSN).toBe(statSN);
    expect(expStatSN(relayed)).toBe(TARGET_STAT_SN);
  },
);

test('both legs wrap, each at its own place', () => {
  const relayed = new Relayed({ digests: DIGESTS, statSN: 0xffffffff, expStatSN: 0xfffffffe });
  const seen = [0xfffffffe, 0xffffffff, 0, 1].map((statSN) => {
    relayed.respond('scsiResponse', { final: true, initiatorTaskTag: TAG, statSN });
    return received(relayed).statSN;
  });
  expect(seen).toEqual([0xffffffff, 0, 1, 2]);
  expect(expStatSN(relayed)).toBe(2);
});

test('ExpCmdSN and MaxCmdSN are the target’s own', () => {
  const relayed = new Relayed();
  const window = { expCmdSN: 77, maxCmdSN: 0xfffffff0 };
  relayed.respond('scsiResponse', { final: true, initiatorTaskTag: TAG, statSN: TARGET_STAT_SN, ...window });
  expect(decodeBhs('scsiResponse', received(relayed).bhs)).toMatchObject(window);
});

test('an initiator whose acknowledgement lags does not set the target back', () => {
  const relayed = new Relayed();
  relayed.respond('scsiResponse', { final: true, initiatorTaskTag: TAG, statSN: TARGET_STAT_SN });
  expect(expStatSN(relayed)).toBe(TARGET_STAT_SN + 1);
});

test('what passed is counted', () => {
  const relayed = new Relayed();
  relayed.request('nopOut', { final: true }, Buffer.from('12345'));
  relayed.respond('nopIn', { final: true });
  relayed.respond('nopIn', { final: true });
  expect(relayed.relay.traffic).toEqual({
    initiator: { pdus: 1, bytes: 56 },
    target: { pdus: 2, bytes: 96 },
  });
});
