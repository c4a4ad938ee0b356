import { expect, test } from 'vitest';
import { opcodeAt, RESERVED_TAG } from '../../../src/iscsi/bhs.ts';
import { decodeBhs, type PduFields } from '../../../src/iscsi/layouts.ts';
import { encodePdu, type Pdu } from '../../../src/iscsi/pdu.ts';
import { answerPing, cdb } from '../../support/refusals.ts';
import { COMMAND_WINDOW, Relayed, STAT_SN, TARGET_STAT_SN } from '../../support/relayed.ts';

const DIGESTS = { header: true, data: true };
const READ_ONLY = { mode: 'read-only' } as const;

const opcodes = (pdus: readonly Pdu[]) => pdus.map(({ bhs }) => opcodeAt(bhs, 0));

function respond(relayed: Relayed, fields: Partial<PduFields<'scsiResponse'>> = {}): void {
  relayed.respond('scsiResponse', { statSN: TARGET_STAT_SN, expCmdSN: 33, maxCmdSN: 64, ...fields });
}

test('the initiator is asked with an Async Message that belongs to no task', () => {
  const relayed = new Relayed({ digests: DIGESTS });
  relayed.relay.requestLogout(20);
  const [message] = relayed.at('initiator');
  expect(opcodeAt(message!.bhs, 0)).toBe(0x32);
  expect(message!.data).toHaveLength(0);
  expect(decodeBhs('asyncMessage', message!.bhs)).toEqual({
    final: true,
    lun: Buffer.alloc(8),
    initiatorTaskTag: RESERVED_TAG,
    statSN: STAT_SN,
    ...COMMAND_WINDOW,
    event: 1,
    vendorCode: 0,
    parameter1: 0,
    parameter2: 0,
    parameter3: 20,
  });
});

test('it uses up a number of the initiator’s leg and none of the target’s', () => {
  const relayed = new Relayed();
  relayed.relay.requestLogout(20);
  relayed.at('initiator');
  respond(relayed);
  expect(decodeBhs('scsiResponse', relayed.at('initiator')[0]!.bhs).statSN).toBe(STAT_SN + 1);
  relayed.request('nopOut', { final: true, expStatSN: STAT_SN + 2 });
  expect(decodeBhs('nopOut', relayed.at('target')[0]!.bhs).expStatSN).toBe(TARGET_STAT_SN + 1);
});

test('it tells the window that the target told last', () => {
  const relayed = new Relayed();
  respond(relayed);
  relayed.at('initiator');
  relayed.relay.requestLogout(20);
  const [message] = relayed.at('initiator');
  expect(decodeBhs('asyncMessage', message!.bhs)).toMatchObject({ expCmdSN: 33, maxCmdSN: 64 });
});

test('it does not land inside a PDU that is being passed', () => {
  const relayed = new Relayed({ digests: DIGESTS });
  const wire = encodePdu('dataIn', { final: true, initiatorTaskTag: 1 }, Buffer.alloc(1000), DIGESTS);
  relayed.relay.fromTarget(Buffer.from(wire.subarray(0, 500)));
  relayed.relay.requestLogout(20);
  relayed.relay.fromTarget(Buffer.from(wire.subarray(500)));
  expect(opcodes(relayed.at('initiator'))).toEqual([0x25, 0x32]);
});

test('it goes before a PDU of whose header only a part is there', () => {
  const relayed = new Relayed({ digests: DIGESTS });
  const wire = encodePdu('scsiResponse', { statSN: TARGET_STAT_SN }, undefined, DIGESTS);
  relayed.relay.fromTarget(Buffer.from(wire.subarray(0, 30)));
  relayed.relay.requestLogout(20);
  relayed.relay.fromTarget(Buffer.from(wire.subarray(30)));
  const pdus = relayed.at('initiator');
  expect(opcodes(pdus)).toEqual([0x32, 0x21]);
  expect(pdus.map(({ bhs }) => decodeBhs('nopIn', bhs).statSN)).toEqual([STAT_SN, STAT_SN + 1]);
});

test('asking twice asks once, also while the first has not gone out yet', () => {
  const relayed = new Relayed();
  const wire = encodePdu('dataIn', { final: true, initiatorTaskTag: 1 }, Buffer.alloc(1000));
  relayed.relay.fromTarget(Buffer.from(wire.subarray(0, 500)));
  relayed.relay.requestLogout(20);
  relayed.relay.requestLogout(10);
  relayed.relay.fromTarget(Buffer.from(wire.subarray(500)));
  relayed.relay.requestLogout(5);
  const pdus = relayed.at('initiator');
  expect(opcodes(pdus)).toEqual([0x25, 0x32]);
  expect(decodeBhs('asyncMessage', pdus[1]!.bhs).parameter3).toBe(20);
});

test('after the Logout Response nobody is asked', () => {
  const relayed = new Relayed();
  relayed.respond('logoutResponse', { final: true, statSN: TARGET_STAT_SN });
  relayed.at('initiator');
  relayed.relay.requestLogout(20);
  expect(relayed.bytesAt('initiator')).toHaveLength(0);
  expect(relayed.relay.isLoggedOut).toBe(true);
});

test('after the Logout Response no refused command is answered either', () => {
  const relayed = new Relayed({ access: READ_ONLY });
  for (const initiatorTaskTag of [1, 2]) {
    const isLast = initiatorTaskTag === 2;
    relayed.request('scsiCommand', { initiatorTaskTag, final: isLast, write: true, cdb: cdb('2a') });
  }
  answerPing(relayed, 1);
  relayed.respond('logoutResponse', { final: true, statSN: TARGET_STAT_SN + 1 });
  expect(opcodes(relayed.at('initiator'))).toEqual([0x26]);
  relayed.request('dataOut', { initiatorTaskTag: 1, final: true });
  answerPing(relayed, 2, 2);
  expect(relayed.bytesAt('initiator')).toHaveLength(0);
});

test('a logout that the target did not grant leaves the session as it is', () => {
  const relayed = new Relayed();
  relayed.respond('logoutResponse', { final: true, response: 1, statSN: TARGET_STAT_SN });
  relayed.at('initiator');
  relayed.relay.requestLogout(20);
  expect(opcodes(relayed.at('initiator'))).toEqual([0x32]);
  expect(relayed.relay.isLoggedOut).toBe(false);
});

test.each([-1, 0.5, 65536, Number.NaN])('a time of %d seconds is none', (seconds) => {
  const relayed = new Relayed();
  expect(() => relayed.relay.requestLogout(seconds)).toThrow(RangeError);
  relayed.relay.requestLogout(65535);
  expect(decodeBhs('asyncMessage', relayed.at('initiator')[0]!.bhs).parameter3).toBe(65535);
});
