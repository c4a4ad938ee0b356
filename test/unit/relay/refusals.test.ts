import { expect, test } from 'vitest';
import { MAX_AHS_LENGTH } from '../../../src/iscsi/bhs.ts';
import { encodeBhs, layouts, type PduKind } from '../../../src/iscsi/layouts.ts';
import { encodePdu, NO_DIGESTS, wirePdu } from '../../../src/iscsi/pdu.ts';
import { expectProtocolError } from '../../support/protocolErrors.ts';
import { Relayed, TARGET_STAT_SN } from '../../support/relayed.ts';

const DIGESTS = { header: true, data: true };
const KINDS = Object.keys(layouts) as PduKind[];
const FROM_INITIATOR: readonly PduKind[] = [
  'nopOut',
  'scsiCommand',
  'taskManagementRequest',
  'textRequest',
  'dataOut',
  'logoutRequest',
];
const FROM_TARGET: readonly PduKind[] = [
  'nopIn',
  'scsiResponse',
  'taskManagementResponse',
  'textResponse',
  'dataIn',
  'logoutResponse',
  'r2t',
  'asyncMessage',
  'reject',
];

test.each(KINDS.filter((kind) => !FROM_INITIATOR.includes(kind)))(
  'an initiator that sends %s in full feature phase ends the session',
  (kind) => {
    const relayed = new Relayed();
    expectProtocolError('bad_opcode', () => relayed.request(kind, {}));
    expect(relayed.bytesAt('target')).toHaveLength(0);
  },
);

test.each(KINDS.filter((kind) => !FROM_TARGET.includes(kind)))(
  'a target that sends %s in full feature phase ends the session',
  (kind) => {
    const relayed = new Relayed();
    expectProtocolError('bad_opcode', () => relayed.respond(kind, {}));
    expect(relayed.bytesAt('initiator')).toHaveLength(0);
  },
);

test('an opcode that RFC 7143 does not know ends the session, either way', () => {
  const known = new Set<number>(Object.values(layouts).map(({ opcode }) => opcode));
  for (let opcode = 0; opcode < 0x40; opcode++) {
    if (known.has(opcode)) continue;
    const header = encodeBhs('nopOut', {});
    header[0] = opcode;
    expectProtocolError('bad_opcode', () => new Relayed().relay.fromInitiator(Buffer.from(header)));
    expectProtocolError('bad_opcode', () => new Relayed().relay.fromTarget(Buffer.from(header)));
  }
});

test('additional headers pass with a SCSI Command, as many as may be', () => {
  const relayed = new Relayed({ digests: DIGESTS });
  const ahs = Buffer.alloc(MAX_AHS_LENGTH, 0xab);
  relayed.relay.fromInitiator(
    wirePdu(encodeBhs('scsiCommand', { final: true }), ahs, Buffer.from('data'), DIGESTS),
  );
  const [pdu] = relayed.at('target');
  expect(pdu!.ahs.equals(ahs)).toBe(true);
  expect(pdu!.data.toString()).toBe('data');
});

test.each([...FROM_INITIATOR, ...FROM_TARGET].filter((kind) => kind !== 'scsiCommand'))(
  'additional headers with %s end the session',
  (kind) => {
    const { relay } = new Relayed();
    const wire = wirePdu(encodeBhs(kind, {}), Buffer.alloc(4), Buffer.alloc(0), NO_DIGESTS);
    expectProtocolError('header_too_long', () =>
      FROM_INITIATOR.includes(kind) ? relay.fromInitiator(wire) : relay.fromTarget(wire),
    );
  },
);

test('a data segment may be as long as its receiver has declared, not a byte longer', () => {
  const maxRecv = { initiator: 2048, target: 1024 };
  const relayed = new Relayed({ maxRecv });
  relayed.request('dataOut', {}, Buffer.alloc(1024));
  relayed.respond('dataIn', {}, Buffer.alloc(2048));
  expect(relayed.at('target')[0]!.data).toHaveLength(1024);
  expect(relayed.at('initiator')[0]!.data).toHaveLength(2048);
  const tooLong = {
    request: encodePdu('dataOut', {}, Buffer.alloc(1025)),
    response: encodePdu('dataIn', {}, Buffer.alloc(2049)),
  };
  expectProtocolError('data_segment_too_long', () =>
    relayed.relay.fromInitiator(tooLong.request.subarray(0, 48)),
  );
  expectProtocolError('data_segment_too_long', () =>
    relayed.relay.fromTarget(tooLong.response.subarray(0, 48)),
  );
});

test('a header whose digest is wrong goes no further, either way', () => {
  for (let at = 0; at < 52; at++) {
    const relayed = new Relayed({ digests: DIGESTS });
    const request = encodePdu('scsiCommand', { final: true }, Buffer.alloc(0), DIGESTS);
    const response = encodePdu('scsiResponse', { statSN: TARGET_STAT_SN }, Buffer.alloc(0), DIGESTS);
    request[at]! ^= 1;
    response[at]! ^= 1;
    if (at === 4) continue; // the length moves the digest beyond the end: what is there is not whole
    expectProtocolError('header_digest', () => relayed.relay.fromInitiator(request));
    expectProtocolError('header_digest', () => relayed.relay.fromTarget(response));
    expect(relayed.bytesAt('target')).toHaveLength(0);
    expect(relayed.bytesAt('initiator')).toHaveLength(0);
  }
});

test('a data digest passes untouched, right or wrong', () => {
  const relayed = new Relayed({ digests: DIGESTS });
  const wire = encodePdu('dataIn', { hasStatus: true, statSN: TARGET_STAT_SN }, Buffer.from('data'), DIGESTS);
  wire.writeUInt32BE(0xdeadbeef, wire.length - 4);
  relayed.relay.fromTarget(Buffer.from(wire));
  expect(relayed.bytesAt('initiator').subarray(52).equals(wire.subarray(52))).toBe(true);
  const request = encodePdu('dataOut', { expStatSN: 1 }, Buffer.from('data'), DIGESTS);
  request.writeUInt32BE(0xdeadbeef, request.length - 4);
  relayed.relay.fromInitiator(Buffer.from(request));
  expect(relayed.bytesAt('target').subarray(52).equals(request.subarray(52))).toBe(true);
});
