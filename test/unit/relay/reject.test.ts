import { expect, test } from 'vitest';
import { RESERVED_TAG } from '../../../src/iscsi/bhs.ts';
import { encodeBhs } from '../../../src/iscsi/layouts.ts';
import { Relayed, STAT_SN, TARGET_STAT_SN } from '../../support/relayed.ts';

const DIGESTS = { header: true, data: true };

function reject(relayed: Relayed, data: Buffer): Buffer {
  relayed.respond('reject', { final: true, reason: 4, statSN: TARGET_STAT_SN }, data);
  const [pdu] = relayed.at('initiator');
  expect(pdu!.bhs.readUInt32BE(24)).toBe(STAT_SN);
  return pdu!.data;
}

test('the initiator is shown the header that it sent, not the one that we sent', () => {
  const relayed = new Relayed({ digests: DIGESTS });
  const fields = { final: true, initiatorTaskTag: 7, cmdSN: 3, expStatSN: STAT_SN };
  relayed.request('scsiCommand', fields);
  const sent = relayed.at('target')[0]!.bhs;
  expect(sent.readUInt32BE(28)).toBe(TARGET_STAT_SN);
  expect(reject(relayed, sent).equals(encodeBhs('scsiCommand', fields))).toBe(true);
});

test('of a Text Request it is shown the Text Request, not the NOP-Out in its place', () => {
  const relayed = new Relayed({ digests: DIGESTS });
  const fields = {
    final: true,
    initiatorTaskTag: 7,
    targetTransferTag: RESERVED_TAG,
    cmdSN: 3,
    expStatSN: STAT_SN,
  };
  relayed.request('textRequest', fields, Buffer.from('SendTargets=\0'));
  const nopOut = relayed.at('target')[0]!.bhs;
  const shown = reject(relayed, nopOut);
  const text = encodeBhs('textRequest', fields);
  text[7] = 'SendTargets=\0'.length;
  expect(shown.toString('hex')).toBe(text.toString('hex'));
});

test('a command that is rejected does not take the answer of a Text Request along', () => {
  const relayed = new Relayed();
  const fields = { final: true, initiatorTaskTag: 7, targetTransferTag: RESERVED_TAG };
  relayed.request('textRequest', fields, Buffer.from('SendTargets=\0'));
  relayed.at('target');
  const dataOut = encodeBhs('dataOut', { initiatorTaskTag: 7 });
  expect(reject(relayed, dataOut)[0]).toBe(0x05);
  relayed.respond('nopIn', { final: true, initiatorTaskTag: 7, statSN: TARGET_STAT_SN + 1 });
  expect(relayed.at('initiator')[0]!.bhs[0]).toBe(0x24);
});

test('after a Reject the task tag is free again', () => {
  const relayed = new Relayed();
  const fields = { final: true, initiatorTaskTag: 7, targetTransferTag: RESERVED_TAG };
  relayed.request('textRequest', fields, Buffer.from('SendTargets=\0'));
  reject(relayed, relayed.at('target')[0]!.bhs);
  relayed.request('textRequest', fields, Buffer.from('SendTargets=\0'));
  expect(relayed.at('target')).toHaveLength(1);
});

test('a header that the target cut short is passed as it is', () => {
  const data = Buffer.from('0123456789');
  expect(reject(new Relayed({ digests: DIGESTS }), data).equals(data)).toBe(true);
});
