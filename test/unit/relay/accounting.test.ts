import { expect, test } from 'vitest';
import { RESERVED_TAG } from '../../../src/iscsi/bhs.ts';
import { encodePdu } from '../../../src/iscsi/pdu.ts';
import { encodeSenseSegment } from '../../../src/iscsi/scsiResponse.ts';
import { AdditionalSense, fixedSense, SenseKey } from '../../../src/scsi/sense.ts';
import { inChunks } from '../../support/fuzz.ts';
import { DISK } from '../../support/initiatorRule.ts';
import { expectProtocolError } from '../../support/protocolErrors.ts';
import { Ledger } from '../../../src/accounting/ledger.ts';
import type { AccountSnapshot, NexusSnapshot } from '../../../src/accounting/snapshot.ts';
import { answerPing, cdb, lun, writeStream } from '../../support/refusals.ts';
import { Relayed, STAT_SN, TARGET_STAT_SN, type RelayedOptions } from '../../support/relayed.ts';

const COMMAND = { final: true, initiatorTaskTag: 7, cmdSN: 40, expStatSN: STAT_SN };
const READ = { ...COMMAND, read: true, cdb: cdb('28'), expectedDataTransferLength: 4096 };

/** A relay with a ledger whose clock stands still, unless told otherwise. */
function accounted(options: RelayedOptions = {}, now = (): number => 0) {
  const ledger = new Ledger({ now });
  const recorder = ledger.open({ initiator: 'db1', target: DISK });
  const relayed = new Relayed({ ...options, recorder });
  return {
    relayed,
    accounts: (): readonly AccountSnapshot[] => ledger.snapshot().accounts,
    nexus: (): NexusSnapshot => ledger.snapshot().nexuses[0]!,
  };
}

test('refused commands have no account: they are denials', () => {
  const { relayed, accounts, nexus } = accounted({ access: { luns: [0], mode: 'read-only' } });
  relayed.relay.fromInitiator(
    writeStream({ ...COMMAND, lun: lun('0000') }, { immediate: 512, unsolicited: 8192 }),
  );
  relayed.request('scsiCommand', { ...READ, initiatorTaskTag: 8, lun: lun('0005') });
  relayed.request('taskManagementRequest', { ...COMMAND, initiatorTaskTag: 9, function: 6 });
  answerPing(relayed, 7);
  expect(accounts()).toEqual([]);
  expect(nexus().denials.filter(({ count }) => count > 0)).toEqual([
    { kind: 'hidden-lun', enforced: true, count: 1 },
    { kind: 'write-protected', enforced: true, count: 1 },
    { kind: 'not-supported', enforced: true, count: 1 },
  ]);
  expect(nexus().taskManagement).toEqual([]);
  expect(nexus().sides.target.pings).toBe(0);
});

test('text that is not granted is a denial', () => {
  const { relayed, nexus } = accounted();
  const text = Buffer.from('HeaderDigest=None\0');
  relayed.request('textRequest', { ...COMMAND, targetTransferTag: RESERVED_TAG }, text);
  expect(nexus().denials.find(({ kind, enforced }) => kind === 'text' && enforced)!.count).toBe(1);
});

const sense = encodeSenseSegment(fixedSense(SenseKey.mediumError, AdditionalSense.unrecoveredReadError));
const digests = { header: true, data: true };

test.each([1, 47, 49, 60, 1000])('the sense key is known wherever the response is cut: %i', (size) => {
  for (const options of [{}, { digests }]) {
    const { relayed, accounts } = accounted(options);
    relayed.request('scsiCommand', READ);
    relayed.at('target');
    const fields = { final: true, initiatorTaskTag: 7, status: 2, statSN: TARGET_STAT_SN };
    const residual = { underflow: true, residualCount: 4096 };
    const response = encodePdu('scsiResponse', { ...fields, ...residual }, sense, options.digests);
    for (const chunk of inChunks(response, [size])) relayed.relay.fromTarget(Buffer.from(chunk));
    expect(accounts()[0]!.classes.read).toMatchObject({
      bytes: 0,
      inFlight: 0,
      failures: [{ status: 'check-condition', senseKey: 'medium-error', count: 1 }],
    });
    const [passed] = relayed.at('initiator');
    expect(passed!.data).toEqual(sense);
    expect(passed!.bhs.readUInt32BE(24)).toBe(STAT_SN);
  }
});

test('a command that the target rejects is aborted, also where its answer would have been rewritten', () => {
  const { relayed, accounts } = accounted({ access: { luns: [0] } });
  relayed.request('scsiCommand', { ...READ, cdb: cdb('a0') });
  const header = encodePdu('scsiCommand', { initiatorTaskTag: 7 });
  relayed.respond('reject', { final: true, reason: 9, statSN: TARGET_STAT_SN }, header);
  expect(accounts()[0]!.classes.other).toMatchObject({ commands: 1, aborted: 1, inFlight: 0 });
});

test('a list of logical units that is rewritten ends its command all the same', () => {
  const { relayed, accounts } = accounted({ access: { luns: [0] } });
  for (const [n, hasStatus] of [true, false].entries()) {
    relayed.request('scsiCommand', { ...READ, cdb: cdb('a0') });
    const fields = { final: true, initiatorTaskTag: 7, statSN: TARGET_STAT_SN + n };
    relayed.respond('dataIn', { ...fields, hasStatus }, Buffer.alloc(16));
    if (!hasStatus) relayed.respond('scsiResponse', fields);
  }
  expect(accounts()[0]!.classes.other).toMatchObject({ commands: 2, inFlight: 0, duration: { count: 2 } });
});

test('a Data-Out that passes gives the ball back to the target, and each chunk has taken its time', () => {
  let now = 0;
  const { relayed, accounts } = accounted({}, () => now++);
  relayed.request('scsiCommand', { ...READ, read: false, write: true, cdb: cdb('2a') });
  relayed.respond('r2t', { final: true, initiatorTaskTag: 7, targetTransferTag: 5, statSN: TARGET_STAT_SN });
  now += 100;
  relayed.request('dataOut', { final: true, initiatorTaskTag: 7, targetTransferTag: 5 }, Buffer.alloc(512));
  relayed.respond('scsiResponse', { final: true, initiatorTaskTag: 7, statSN: TARGET_STAT_SN });
  const { duration, targetDuration, initiatorWaitSeconds, gatewaySeconds } = accounts()[0]!.classes.write;
  const all = [duration.sum, targetDuration.sum, initiatorWaitSeconds, gatewaySeconds];
  expect(all.map((seconds) => Math.round(1000 * seconds))).toEqual([106, 2, 101, 4]);
});

test('task management, pings and R2Ts that pass are told', () => {
  const { relayed, accounts, nexus } = accounted();
  relayed.request('scsiCommand', { ...READ, read: false, write: true, cdb: cdb('2a') });
  relayed.respond('r2t', { final: true, initiatorTaskTag: 7, statSN: TARGET_STAT_SN });
  const tmf = { ...COMMAND, immediate: true, initiatorTaskTag: 8 };
  relayed.request('taskManagementRequest', { ...tmf, function: 1, referencedTaskTag: 7, lun: lun('0000') });
  const answer = { final: true, initiatorTaskTag: 8, response: 0, statSN: TARGET_STAT_SN };
  relayed.respond('taskManagementResponse', answer);
  relayed.request('nopOut', { ...COMMAND, initiatorTaskTag: 9, targetTransferTag: RESERVED_TAG });
  relayed.respond('nopIn', { final: true, initiatorTaskTag: 9, statSN: TARGET_STAT_SN + 1 });
  relayed.respond('nopIn', { final: true, initiatorTaskTag: RESERVED_TAG, targetTransferTag: 3 });
  relayed.request('nopOut', { final: true, initiatorTaskTag: RESERVED_TAG, targetTransferTag: 3 });
  expect(accounts()[0]!.classes.write).toMatchObject({ r2ts: 1, inFlight: 0, aborted: 1 });
  expect(nexus()).toMatchObject({
    taskManagement: [{ function: 'abort-task', response: 'complete', count: 1 }],
    sides: { initiator: { pings: 1 }, target: { pings: 1 } },
  });
});

test.each(['initiator', 'target'] as const)('a header digest that is wrong is counted at the %s', (side) => {
  const { relayed, nexus } = accounted({ digests });
  const pdu = encodePdu('nopOut', { initiatorTaskTag: 9 }, undefined, digests);
  pdu[50]! ^= 1;
  const { relay } = relayed;
  expectProtocolError('header_digest', () =>
    side === 'initiator' ? relay.fromInitiator(pdu) : relay.fromTarget(pdu),
  );
  expect(nexus().sides[side].digestErrors).toBe(1);
  expect(nexus().sides[side === 'initiator' ? 'target' : 'initiator'].digestErrors).toBe(0);
});

test('other errors are no digest errors', () => {
  const { relayed, nexus } = accounted();
  expectProtocolError('bad_opcode', () => relayed.relay.fromInitiator(encodePdu('nopIn', {})));
  expect(nexus().sides.initiator.digestErrors).toBe(0);
});
