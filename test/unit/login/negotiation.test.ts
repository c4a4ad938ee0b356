import { expect, test } from 'vitest';
import { ProtocolError } from '../../../src/iscsi/protocolError.ts';
import { answerOffers, Negotiation } from '../../../src/login/negotiation.ts';

const keys = (record: Record<string, string>): Map<string, string> => new Map(Object.entries(record));

/** Our answer to one offer, given what we want. */
function answer(key: string, offer: string, ours?: string): string | undefined {
  const preferences = keys(ours === undefined ? {} : { [key]: ours });
  return new Map(answerOffers(keys({ [key]: offer }), preferences)).get(key);
}

test.each([
  ['ImmediateData', 'Yes', 'Yes', 'Yes'],
  ['ImmediateData', 'Yes', 'No', 'No'],
  ['ImmediateData', 'No', 'Yes', 'No'],
  ['InitialR2T', 'No', 'No', 'No'],
  ['InitialR2T', 'No', 'Yes', 'Yes'],
  ['InitialR2T', 'Yes', 'No', 'Yes'],
  ['DataPDUInOrder', 'No', 'Yes', 'Yes'],
  ['DataSequenceInOrder', 'No', 'No', 'No'],
  ['IFMarker', 'Yes', 'Yes', 'Yes'],
  ['OFMarker', 'Yes', 'No', 'No'],
  ['MaxBurstLength', '1048576', '262144', '262144'],
  ['MaxBurstLength', '512', '262144', '512'],
  ['FirstBurstLength', '65536', '131072', '65536'],
  ['MaxConnections', '8', '1', '1'],
  ['MaxOutstandingR2T', '16', '4', '4'],
  ['ErrorRecoveryLevel', '2', '0', '0'],
  ['DefaultTime2Wait', '0', '2', '2'],
  ['DefaultTime2Wait', '5', '2', '5'],
  ['DefaultTime2Retain', '0', '20', '0'],
  ['DefaultTime2Retain', '60', '20', '20'],
  ['iSCSIProtocolLevel', '2', '1', '1'],
])('%s=%s against our %s gives %s', (key, offer, ours, result) => {
  expect(answer(key, offer, ours)).toBe(result);
});

test.each([
  ['InitialR2T', 'No', 'Yes'],
  ['ImmediateData', 'Yes', 'Yes'],
  ['IFMarker', 'Yes', 'No'],
  ['RDMAExtensions', 'Yes', 'No'],
  ['MaxConnections', '4', '1'],
  ['ErrorRecoveryLevel', '2', '0'],
  ['HeaderDigest', 'CRC32C,None', 'None'],
])('where we want nothing of our own, the default stands: %s=%s gives %s', (key, offer, result) => {
  expect(answer(key, offer)).toBe(result);
});

test.each([
  ['CRC32C,None', 'None,CRC32C', 'CRC32C'],
  ['None,CRC32C', 'CRC32C,None', 'None'],
  ['X-vendor,CRC32C', 'CRC32C', 'CRC32C'],
  ['CRC32C', 'None', 'Reject'],
  ['CRC32', 'CRC32C', 'Reject'],
  ['crc32c', 'CRC32C', 'Reject'],
  ['', 'None', 'Reject'],
])('of the list %s the first that we support (%s) is chosen: %s', (offer, ours, result) => {
  expect(answer('HeaderDigest', offer, ours)).toBe(result);
});

test('unknown keys are answered NotUnderstood, declarations not at all, the order kept', () => {
  const offers = keys({
    'X-com.example.fast': 'yes',
    MaxRecvDataSegmentLength: '4096',
    InitiatorAlias: 'db1',
    headerdigest: 'None',
    InitialR2T: 'Yes',
  });
  expect(answerOffers(offers, new Map())).toEqual([
    ['X-com.example.fast', 'NotUnderstood'],
    ['headerdigest', 'NotUnderstood'],
    ['InitialR2T', 'Yes'],
  ]);
});

test.each([
  ['ImmediateData', 'yes'],
  ['InitialR2T', '1'],
  ['MaxBurstLength', '511'],
  ['MaxBurstLength', '16777216'],
  ['FirstBurstLength', '0'],
  ['MaxConnections', '0'],
  ['MaxConnections', '65536'],
  ['MaxOutstandingR2T', '0'],
  ['ErrorRecoveryLevel', '3'],
  ['DefaultTime2Wait', '3601'],
  ['DefaultTime2Retain', '-1'],
  ['MaxBurstLength', '1e6'],
  ['MaxBurstLength', ''],
  ['MaxBurstLength', '4294967808'],
])('%s=%s is out of its range', (key, offer) => {
  expect(() => answer(key, offer)).toThrow(new RegExp(`^${key} must be`));
});

test.each(['InitiatorName', 'TargetName', 'SessionType', 'AuthMethod', 'CHAP_A', 'CHAP_R'])(
  '%s has no place in operational negotiation',
  (key) => {
    expect(() => answer(key, 'x')).toThrow(/no place/);
  },
);

function settled(offers: Record<string, string>, answers: Record<string, string>): Negotiation {
  const negotiation = new Negotiation();
  negotiation.record('initiator', keys(offers));
  negotiation.record('target', keys(answers));
  return negotiation;
}

test('where nothing was said, the defaults of RFC 7143 §13 hold', () => {
  expect(new Negotiation().parameters).toEqual({
    digests: { header: false, data: false },
    maxRecvDataSegmentLength: { initiator: 8192, target: 8192 },
    initialR2T: true,
    immediateData: true,
    maxBurstLength: 262144,
    firstBurstLength: 65536,
    maxOutstandingR2T: 1,
  });
});

test('the outcome is what stands in the answer', () => {
  const offers = {
    HeaderDigest: 'CRC32C,None',
    DataDigest: 'None',
    InitialR2T: 'No',
    ImmediateData: 'Yes',
    MaxBurstLength: '16776192',
    FirstBurstLength: '262144',
    MaxOutstandingR2T: '8',
    MaxRecvDataSegmentLength: '262144',
  };
  const answers = {
    HeaderDigest: 'CRC32C',
    DataDigest: 'None',
    InitialR2T: 'Yes',
    ImmediateData: 'No',
    MaxBurstLength: '262144',
    FirstBurstLength: '65536',
    MaxOutstandingR2T: '1',
    MaxRecvDataSegmentLength: '8192',
  };
  expect(settled(offers, answers).parameters).toEqual({
    digests: { header: true, data: false },
    maxRecvDataSegmentLength: { initiator: 262144, target: 8192 },
    initialR2T: true,
    immediateData: false,
    maxBurstLength: 262144,
    firstBurstLength: 65536,
    maxOutstandingR2T: 1,
  });
});

test('what the target offers is settled by the answer of the initiator', () => {
  const negotiation = new Negotiation();
  negotiation.record('target', keys({ MaxBurstLength: '1048576' }));
  expect(negotiation.isOpen('target', 'MaxBurstLength')).toBe(true);
  expect(negotiation.parameters.maxBurstLength).toBe(262144);
  negotiation.record('initiator', keys({ MaxBurstLength: '65536' }));
  expect(negotiation.isOpen('target', 'MaxBurstLength')).toBe(false);
  expect(negotiation.parameters.maxBurstLength).toBe(65536);
});

test('an offer that nobody answers settles nothing', () => {
  const negotiation = new Negotiation();
  negotiation.record('initiator', keys({ HeaderDigest: 'CRC32C', InitialR2T: 'No' }));
  expect(negotiation.parameters).toMatchObject({ digests: { header: false }, initialR2T: true });
});

test.each(['Reject', 'Irrelevant', 'NotUnderstood'])('%s leaves every key at its default', (word) => {
  const { parameters } = settled(
    { HeaderDigest: 'CRC32C', InitialR2T: 'No', MaxBurstLength: '512' },
    { HeaderDigest: word, InitialR2T: word, MaxBurstLength: word },
  );
  expect(parameters).toEqual(new Negotiation().parameters);
});

test.each([
  ['HeaderDigest', 'CRC32C', 'MD5'],
  ['DataDigest', 'CRC32C,None', 'CRC32C,None'],
  ['InitialR2T', 'No', 'Maybe'],
  ['MaxBurstLength', '512', '511'],
  ['FirstBurstLength', '512', '99999999'],
])('%s=%s settled on %s is refused', (key, offer, outcome) => {
  expect(() => settled({ [key]: offer }, { [key]: outcome }).parameters).toThrow(ProtocolError);
});

test.each(['511', '16777216', 'all', ''])('MaxRecvDataSegmentLength=%s is refused at once', (value) => {
  const negotiation = new Negotiation();
  expect(() => negotiation.record('initiator', keys({ MaxRecvDataSegmentLength: value }))).toThrow(
    /512 to 16777215/,
  );
});

test('a side says each key once a login', () => {
  const negotiation = settled({ MaxBurstLength: '512' }, { MaxBurstLength: '512' });
  for (const side of ['initiator', 'target'] as const) {
    expect(() => negotiation.record(side, keys({ MaxBurstLength: '1024' }))).toThrow(/second time/);
  }
});
