import { expect, test, vi } from 'vitest';
import { MalformedRecords } from '../../../src/discovery/malformedRecords.ts';
import {
  encodeTargetRecords,
  parseTargetRecords,
  type TargetRecord,
} from '../../../src/discovery/sendTargets.ts';
import { expectProtocolError } from '../../support/protocolErrors.ts';
import { conversations } from '../../support/vectors.ts';

function read(text: string): { records: TargetRecord[]; problems: readonly string[] } {
  const malformed = new MalformedRecords();
  const records = parseTargetRecords(Buffer.from(text), malformed);
  return { records, problems: malformed.problems };
}

test('records are written name first, then each address with its port', () => {
  const text = encodeTargetRecords([
    {
      name: 'iqn.2001-04.com.example:a',
      addresses: [
        { host: '192.0.2.1', port: 3260, portalGroupTag: 1 },
        { host: '2001:db8::1', port: 3261 },
      ],
    },
    { name: 'iqn.2001-04.com.example:b', addresses: [] },
  ]);
  expect(text.toString().split('\0')).toEqual([
    'TargetName=iqn.2001-04.com.example:a',
    'TargetAddress=192.0.2.1:3260,1',
    'TargetAddress=[2001:db8::1]:3261',
    'TargetName=iqn.2001-04.com.example:b',
    '',
  ]);
});

test("a real target's answer is read", () => {
  const { pdus } = conversations.find(({ name }) => name === 'discovery')!;
  const answer = pdus.find(({ kind }) => kind === 'textResponse')!;
  const { records, problems } = read(answer.wire.subarray(48, 48 + answer.dataLength).toString());
  expect(records.map(({ name }) => name)).toEqual([
    'iqn.2001-04.com.example:storage.disk1',
    'iqn.2001-04.com.example:storage.chap',
    'iqn.2001-04.com.example:storage.mutual',
  ]);
  for (const { addresses } of records) {
    expect(addresses).toEqual([{ host: '127.0.0.1', port: expect.any(Number), portalGroupTag: 1 }]);
  }
  expect(problems).toEqual([]);
});

test('a record keeps the spelling of its name', () => {
  expect(read('TargetName=iqn.2001-04.com.Example:A\0').records).toEqual([
    { name: 'iqn.2001-04.com.Example:A', addresses: [] },
  ]);
});

test('a record without a proper name is left out with all its addresses, and the others stay', () => {
  const { records, problems } = read(
    'TargetName=iqn.2001-04.com.example:a\0TargetAddress=192.0.2.1:3260,1\0' +
      'TargetName=../../etc\0TargetAddress=192.0.2.2:3260,1\0TargetAddress=192.0.2.3:3260,1\0' +
      'TargetName=iqn.2001-04.com.example:b\0TargetAddress=192.0.2.4:3260,1\0',
  );
  expect(records.map(({ name, addresses }) => [name, ...addresses.map(({ host }) => host)])).toEqual([
    ['iqn.2001-04.com.example:a', '192.0.2.1'],
    ['iqn.2001-04.com.example:b', '192.0.2.4'],
  ]);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain('../../etc');
});

test('an address that is none is left out of its record', () => {
  const { records, problems } = read(
    'TargetName=iqn.2001-04.com.example:a\0TargetAddress=[fe80::1%eth0]:3260,1\0TargetAddress=192.0.2.1\0',
  );
  expect(records[0]!.addresses).toEqual([{ host: '192.0.2.1', port: 3260 }]);
  expect(problems).toHaveLength(1);
});

test('of thousands of malformed records ten are told, and the others as a number', () => {
  const text = 'TargetName=no name\0TargetAddress=no address\0'.repeat(3000);
  const { records, problems } = read(`${text}TargetName=iqn.2001-04.com.example:a\0`);
  expect(records).toHaveLength(1);
  expect(problems).toHaveLength(11);
  expect(problems[9]).toContain('"no address" is not an address');
  expect(problems[10]).toBe('and 5990 more malformed records');
});

test('a malformed record that is only counted costs no words', () => {
  const malformed = new MalformedRecords();
  const describe = vi.fn<() => string>(() => 'no name');
  for (let n = 0; n < 1000; n++) malformed.add(describe);
  expect(describe).toHaveBeenCalledTimes(10);
});

test('an address without a name belongs to nobody', () => {
  expect(read('TargetAddress=192.0.2.1:3260,1\0').records).toEqual([]);
});

test.each(['TargetAlias=x\0', 'SendTargets=Reject\0', 'TargetName'])(
  '%j is no answer to SendTargets',
  (text) => {
    expectProtocolError('bad_text', () => read(text));
  },
);

test('an array may have thousands of targets', () => {
  const records = Array.from({ length: 3000 }, (_, i) => ({
    name: `iqn.2001-04.com.example:disk${i}`,
    addresses: [{ host: '192.0.2.1', port: 3260, portalGroupTag: 1 }],
  }));
  expect(read(encodeTargetRecords(records).toString()).records).toEqual(records);
});
