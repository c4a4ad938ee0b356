import { expect, test } from 'vitest';
import { decodeBhs } from '../../../src/iscsi/layouts.ts';
import { encodeLun } from '../../../src/iscsi/lun.ts';
import type { Pdu } from '../../../src/iscsi/pdu.ts';
import { encodeSenseSegment } from '../../../src/iscsi/scsiResponse.ts';
import { Relayed, STAT_SN, TARGET_STAT_SN } from '../../support/relayed.ts';

const TAG = 7;
const REPORT_LUNS = 0xa0;
const DIGESTS = { header: true, data: true };

test('a masked list ends where its length says: libiscsi takes no other', () => {
  const relayed = asked([1], 255);
  lists(relayed, [0, 1, 2, 3], 255);
  const [pdu] = relayed.at('initiator');
  expect(luns(pdu!.data)).toEqual({ announced: 8, luns: [1] });
  expect(pdu!.data).toHaveLength(16);
});

test('the residual of a masked list says how much less came than was expected', () => {
  const relayed = asked([1], 255);
  lists(relayed, [0, 1, 2, 3], 255);
  const [pdu] = relayed.at('initiator');
  expect(decodeBhs('dataIn', pdu!.bhs)).toMatchObject({ underflow: true, residualCount: 255 - 16 });
});

test('a masked list that filled what was expected comes with a residual', () => {
  const relayed = asked([1], 40);
  lists(relayed, [0, 1, 2, 3], 40);
  const [pdu] = relayed.at('initiator');
  expect(decodeBhs('dataIn', pdu!.bhs)).toMatchObject({
    underflow: true,
    overflow: false,
    residualCount: 24,
    statSN: STAT_SN,
  });
});

test('a list that was cut shows no LUN 0 in the place of a masked one, and tells how much to ask for', () => {
  const relayed = asked([1], 16);
  lists(relayed, [0, 1, 2, 3], 16);
  const [pdu] = relayed.at('initiator');
  expect(luns(pdu!.data)).toEqual({ announced: 32, luns: [] });
});

test('a list of which nothing is masked comes as it is', () => {
  const relayed = asked([0, 1], 255);
  lists(relayed, [0, 1], 255);
  const [pdu] = relayed.at('initiator');
  expect(luns(pdu!.data)).toEqual({ announced: 16, luns: [0, 1] });
  expect(decodeBhs('dataIn', pdu!.bhs)).toMatchObject({ underflow: true, residualCount: 255 - 24 });
});

test('a masked list in pieces keeps its PDUs and their numbers, and its SCSI Response tells the residual', () => {
  const relayed = asked([2], 40);
  const list = lunList([0, 1, 2, 3]);
  for (const dataSN of [0, 1, 2]) {
    const fields = { initiatorTaskTag: TAG, dataSN, bufferOffset: dataSN * 16, final: dataSN === 2 };
    relayed.respond('dataIn', fields, list.subarray(dataSN * 16, (dataSN + 1) * 16));
    expect(relayed.at('initiator')).toEqual([]);
  }
  const fields = { final: true, initiatorTaskTag: TAG, statSN: TARGET_STAT_SN, expDataSN: 3 };
  relayed.respond('scsiResponse', fields, encodeSenseSegment(undefined));
  const pdus = relayed.at('initiator');
  const pieces = pdus.slice(0, 3);
  expect(luns(Buffer.concat(pieces.map(({ data }) => data)))).toEqual({ announced: 8, luns: [2] });
  expect(pieces.map(placed)).toEqual([
    { dataSN: 0, bufferOffset: 0, length: 16 },
    { dataSN: 1, bufferOffset: 16, length: 0 },
    { dataSN: 2, bufferOffset: 16, length: 0 },
  ]);
  expect(decodeBhs('scsiResponse', pdus[3]!.bhs)).toMatchObject({
    underflow: true,
    residualCount: 24,
    expDataSN: 3,
    statSN: STAT_SN,
  });
});

/** A relay through which REPORT LUNS has gone, with this allocation length. */
function asked(visible: number[], length: number): Relayed {
  const relayed = new Relayed({ digests: DIGESTS, access: { luns: visible } });
  const cdb = Buffer.alloc(16);
  cdb[0] = REPORT_LUNS;
  cdb.writeUInt32BE(length, 6);
  const fields = { final: true, read: true, initiatorTaskTag: TAG, expectedDataTransferLength: length, cdb };
  relayed.request('scsiCommand', fields);
  return relayed;
}

/** The target's answer, in one Data-In with status. */
function lists(relayed: Relayed, present: number[], length: number): void {
  const data = lunList(present).subarray(0, length);
  const left = { underflow: data.length < length, residualCount: length - data.length };
  const fields = { final: true, hasStatus: true, initiatorTaskTag: TAG, statSN: TARGET_STAT_SN, ...left };
  relayed.respond('dataIn', fields, data);
}

function lunList(present: number[]): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(present.length * 8);
  return Buffer.concat([header, ...present.map(encodeLun)]);
}

function luns(data: Buffer): { announced: number; luns: number[] } {
  const entries = Array.from({ length: data.length / 8 - 1 }, (_, index) => data[8 + index * 8 + 1]!);
  return { announced: data.readUInt32BE(0), luns: entries };
}

function placed({ bhs, data }: Pdu): { dataSN: number; bufferOffset: number; length: number } {
  const { dataSN, bufferOffset } = decodeBhs('dataIn', bhs);
  return { dataSN, bufferOffset, length: data.length };
}
