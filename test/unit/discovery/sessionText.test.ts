import { expect, test } from 'vitest';
import { answerSessionText, isDeclarationOnly } from '../../../src/discovery/sessionText.ts';
import { parsePairs } from '../../../src/iscsi/text.ts';

const OWN = {
  name: 'iqn.2001-05.com.equallogic:Disk-db1',
  addresses: [
    { host: '192.0.2.1', port: 3260, portalGroupTag: 1 },
    { host: '2001:db8::1', port: 3261 },
  ],
};
const OWN_RECORD = [
  ['TargetName', 'iqn.2001-05.com.equallogic:Disk-db1'],
  ['TargetAddress', '192.0.2.1:3260,1'],
  ['TargetAddress', '[2001:db8::1]:3261'],
];

const answer = (...keys: [string, string][]) => parsePairs(answerSessionText(new Map(keys), OWN).text);

test.each(['', 'iqn.2001-05.com.equallogic:Disk-db1', 'IQN.2001-05.com.equallogic:disk-DB1'])(
  'SendTargets=%s shows the own target',
  (which) => {
    expect(answer(['SendTargets', which])).toEqual(OWN_RECORD);
  },
);

test('SendTargets=All is rejected', () => {
  expect(answer(['SendTargets', 'All'])).toEqual([['SendTargets', 'Reject']]);
});

test.each([
  'iqn.2001-05.com.equallogic:Disk-db2',
  'iqn.2001-05.com.equallogic:Disk-db',
  'iqn.2001-05.com.equallogic:Disk-db11',
  'all',
  'All ',
  'Alles',
])('SendTargets=%s shows nothing', (which) => {
  expect(answer(['SendTargets', which])).toEqual([]);
});

test.each([
  ['InitiatorName', 'Reject'],
  ['TargetName', 'Reject'],
  ['AuthMethod', 'Reject'],
  ['CHAP_A', 'Reject'],
  ['HeaderDigest', 'Reject'],
  ['MaxBurstLength', 'Reject'],
  ['X-com.example.key', 'NotUnderstood'],
  ['initiatorName', 'NotUnderstood'],
])('%s in full feature phase is answered %s', (key, value) => {
  expect(answer([key, 'anything'])).toEqual([[key, value]]);
});

test('each key is answered in its place', () => {
  expect(
    answer(['X-a', '1'], ['SendTargets', ''], ['InitiatorName', 'iqn.1993-08.org.debian:01:db2']),
  ).toEqual([['X-a', 'NotUnderstood'], ...OWN_RECORD, ['InitiatorName', 'Reject']]);
});

test('nothing asked is nothing answered', () => {
  expect(answer()).toEqual([]);
});

test('only a MaxRecvDataSegmentLength by itself is a declaration', () => {
  expect(isDeclarationOnly(new Map([['MaxRecvDataSegmentLength', '512']]))).toBe(true);
  expect(isDeclarationOnly(new Map([['MaxBurstLength', '512']]))).toBe(false);
  expect(isDeclarationOnly(new Map())).toBe(false);
  expect(
    isDeclarationOnly(
      new Map([
        ['MaxRecvDataSegmentLength', '512'],
        ['SendTargets', ''],
      ]),
    ),
  ).toBe(false);
});

test('what is not granted is named: a key settled at login, an unknown one, another target', () => {
  const keys = new Map([
    ['InitiatorName', 'iqn.1993-08.org.debian:01:other'],
    ['X-made-up', '1'],
    ['SendTargets', 'All'],
  ]);
  expect(answerSessionText(keys, OWN).denied).toEqual(['InitiatorName', 'X-made-up', 'SendTargets']);
  expect(answerSessionText(new Map([['SendTargets', '']]), OWN).denied).toEqual([]);
});
