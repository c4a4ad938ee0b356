import { expect, test } from 'vitest';
import { BHS_LENGTH } from '../../../src/iscsi/bhs.ts';
import { encodeBhs } from '../../../src/iscsi/layouts.ts';
import { encodePdu, parseWirePdu, wirePdu } from '../../../src/iscsi/pdu.ts';
import { expectProtocolError } from '../../support/protocolErrors.ts';

const bhs = encodeBhs('scsiCommand', { final: true, initiatorTaskTag: 7 });
const ahs = Buffer.from('000501000000200000000000', 'hex');
const BOTH = { header: true, data: true };

test.each([
  [false, false, BHS_LENGTH + 12 + 8],
  [true, false, BHS_LENGTH + 12 + 4 + 8],
  [false, true, BHS_LENGTH + 12 + 8 + 4],
  [true, true, BHS_LENGTH + 12 + 4 + 8 + 4],
])(
  'with header digest %s and data digest %s, parts are found where they were put',
  (header, data, length) => {
    const digests = { header, data };
    const wire = wirePdu(bhs, ahs, Buffer.from('hello'), digests);
    expect(wire).toHaveLength(length);
    const pdu = parseWirePdu(wire, digests);
    expect(pdu.ahs.equals(ahs)).toBe(true);
    expect(pdu.data.toString()).toBe('hello');
    expect(pdu.bhs.subarray(4, 8).toString('hex')).toBe('03000005');
  },
);

test('padding is zero and counts as neither length nor data', () => {
  const wire = encodePdu('nopOut', { final: true }, Buffer.from('abcde'));
  expect(wire).toHaveLength(BHS_LENGTH + 8);
  expect(wire.subarray(BHS_LENGTH + 5).toString('hex')).toBe('000000');
});

test('a PDU without data has no data digest', () => {
  expect(encodePdu('nopOut', {}, Buffer.alloc(0), BOTH)).toHaveLength(BHS_LENGTH + 4);
});

test('the length of the data segment takes three bytes', () => {
  const wire = encodePdu('dataIn', {}, Buffer.alloc(0x012345));
  expect(wire.subarray(4, 8).toString('hex')).toBe('00012345');
});

// RFC 3720 B.4, with the digest that it gives for the header
test('the header digest of a SCSI Read (10) is the one of the RFC', () => {
  const read = encodePdu(
    'scsiCommand',
    {
      final: true,
      read: true,
      initiatorTaskTag: 0x14000000,
      expectedDataTransferLength: 0x400,
      cmdSN: 0x14,
      expStatSN: 0x18,
      cdb: Buffer.from('28000000000000000200000000000000', 'hex'),
    },
    Buffer.alloc(0),
    BOTH,
  );
  expect(read.subarray(BHS_LENGTH).toString('hex')).toBe('563a96d9');
});

test('one bit that flips anywhere is found', () => {
  const wire = wirePdu(bhs, ahs, Buffer.from('hello'), BOTH);
  const headerEnd = BHS_LENGTH + ahs.length + 4;
  for (let at = 8; at < wire.length; at++) {
    wire[at]! ^= 0x10;
    expectProtocolError(at < headerEnd ? 'header_digest' : 'data_digest', () => parseWirePdu(wire, BOTH));
    wire[at]! ^= 0x10;
  }
});
