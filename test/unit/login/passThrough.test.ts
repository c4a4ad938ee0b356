import { expect, test } from 'vitest';
import { PassThroughNegotiation } from '../../../src/login/passThrough.ts';
import { failureOf } from '../../support/loginMessages.ts';

const keys = (record: Record<string, string>): Map<string, string> => new Map(Object.entries(record));
const forwarded = (pairs: Iterable<readonly [string, string]>): Record<string, string> =>
  Object.fromEntries(pairs);

test('what both sides know passes as it is', () => {
  const negotiation = new PassThroughNegotiation();
  const offers = { HeaderDigest: 'CRC32C,None', MaxBurstLength: '1048576', InitiatorAlias: 'db1' };
  const answers = { HeaderDigest: 'CRC32C', MaxBurstLength: '262144', TargetAlias: 'disk' };
  expect(forwarded(negotiation.fromInitiator(keys(offers)))).toEqual(offers);
  expect(forwarded(negotiation.fromTarget(keys(answers)))).toEqual(answers);
});

const HELD = {
  MaxConnections: '1',
  ErrorRecoveryLevel: '0',
  IFMarker: 'No',
  OFMarker: 'No',
  RDMAExtensions: 'No',
};
const WANTED = {
  MaxConnections: '8',
  ErrorRecoveryLevel: '2',
  IFMarker: 'Yes',
  OFMarker: 'Yes',
  RDMAExtensions: 'Yes',
};

test('one connection, no recovery level and no markers are held, whatever the initiator wants', () => {
  expect(forwarded(new PassThroughNegotiation().fromInitiator(keys(WANTED)))).toEqual(HELD);
});

test('one connection, no recovery level and no markers are held, whatever the target says', () => {
  expect(forwarded(new PassThroughNegotiation().fromTarget(keys(WANTED)))).toEqual(HELD);
});

test.each(['Reject', 'Irrelevant', 'NotUnderstood'])('%s to a held key passes as it is', (word) => {
  const negotiation = new PassThroughNegotiation();
  negotiation.fromInitiator(keys({ IFMarker: 'No' }));
  expect(forwarded(negotiation.fromTarget(keys({ IFMarker: word })))).toEqual({ IFMarker: word });
});

test('unknown keys are answered here, once, and the target hears nothing of them', () => {
  const negotiation = new PassThroughNegotiation();
  const offers = keys({ 'X-com.example.fast': 'yes', SendTargets: 'All', InitialR2T: 'No' });
  expect(forwarded(negotiation.fromInitiator(offers))).toEqual({ InitialR2T: 'No' });
  expect(forwarded(negotiation.fromTarget(keys({ InitialR2T: 'Yes' })))).toEqual({
    'X-com.example.fast': 'NotUnderstood',
    SendTargets: 'NotUnderstood',
    InitialR2T: 'Yes',
  });
  expect(negotiation.fromTarget(keys({}))).toEqual([]);
});

test('the address and portal group of the target never reach the initiator', () => {
  const told = { TargetAddress: '10.0.0.5:3260,1', TargetPortalGroupTag: '1', TargetAlias: 'disk' };
  expect(forwarded(new PassThroughNegotiation().fromTarget(keys(told)))).toEqual({ TargetAlias: 'disk' });
});

test('unknown, identity and security keys of the target never reach the initiator', () => {
  const told = {
    'X-address': '10.0.0.5',
    TargetName: 'iqn.2001-05.com.example:x',
    AuthMethod: 'CHAP',
    CHAP_N: 'x',
  };
  expect(new PassThroughNegotiation().fromTarget(keys(told))).toEqual([]);
});

test.each([
  'InitiatorName',
  'TargetName',
  'SessionType',
  'AuthMethod',
  'CHAP_N',
  'TargetAddress',
  'TargetAlias',
])('an initiator that says %s ends the login', (key) => {
  const failure = failureOf(() => new PassThroughNegotiation().fromInitiator(keys({ [key]: 'x' })));
  expect(failure).toMatchObject({ reason: 'protocol_error', wire: 0x0200 });
});

test('at the end it is known what the two agreed on', () => {
  const negotiation = new PassThroughNegotiation();
  negotiation.fromInitiator(
    keys({ HeaderDigest: 'CRC32C,None', DataDigest: 'CRC32C', MaxRecvDataSegmentLength: '262144' }),
  );
  negotiation.fromTarget(keys({ HeaderDigest: 'CRC32C', DataDigest: 'None', InitialR2T: 'No' }));
  expect(negotiation.parameters).toMatchObject({
    digests: { header: true, data: false },
    maxRecvDataSegmentLength: { initiator: 262144, target: 8192 },
  });
});

test('keys that an initiator repeats are answered again, and the target hears of them once', () => {
  const negotiation = new PassThroughNegotiation();
  const offers = { HeaderDigest: 'None', MaxConnections: '8', MaxRecvDataSegmentLength: '262144' };
  // libiscsi narrows its list of digests to the one that was chosen.
  negotiation.fromInitiator(keys({ ...offers, HeaderDigest: 'None,CRC32C' }));
  negotiation.fromTarget(keys({ HeaderDigest: 'None', MaxRecvDataSegmentLength: '1048576' }));
  expect(forwarded(negotiation.fromInitiator(keys({ ...offers, MaxBurstLength: '262144' })))).toEqual({
    MaxBurstLength: '262144',
  });
  const answers = { MaxConnections: '1', MaxBurstLength: '65536' };
  expect(forwarded(negotiation.fromTarget(keys(answers)))).toEqual({ ...answers, HeaderDigest: 'None' });
  expect(negotiation.parameters.maxRecvDataSegmentLength).toEqual({ initiator: 262144, target: 1048576 });
});

test('an initiator that negotiates a key a second time ends the login', () => {
  const negotiation = new PassThroughNegotiation();
  negotiation.fromInitiator(keys({ HeaderDigest: 'None' }));
  negotiation.fromTarget(keys({ HeaderDigest: 'None' }));
  expect(failureOf(() => negotiation.fromInitiator(keys({ HeaderDigest: 'CRC32C' })))).toMatchObject({
    reason: 'protocol_error',
  });
});

test.each([
  ['negotiates a key a second time', { HeaderDigest: 'None' }],
  ['declares an impossible length', { MaxRecvDataSegmentLength: '1' }],
  ['settles on an impossible value', { MaxBurstLength: '1' }],
  ['settles on an unknown digest', { DataDigest: 'MD5' }],
])('a target that %s is at fault itself, not the initiator', (_, answers: Record<string, string>) => {
  const negotiation = new PassThroughNegotiation();
  negotiation.fromInitiator(keys({ HeaderDigest: 'None', MaxBurstLength: '512', DataDigest: 'CRC32C' }));
  negotiation.fromTarget(keys({ HeaderDigest: 'None' }));
  expect(failureOf(() => negotiation.fromTarget(keys(answers)))).toMatchObject({
    reason: 'backend_protocol',
    wire: 0x0300,
  });
});

test('an initiator that settles on an impossible value is told at once', () => {
  const negotiation = new PassThroughNegotiation();
  negotiation.fromTarget(keys({ MaxBurstLength: '1048576' }));
  expect(failureOf(() => negotiation.fromInitiator(keys({ MaxBurstLength: '1' })))).toMatchObject({
    reason: 'protocol_error',
    wire: 0x0200,
  });
});

test('what reaches the target stays small, however many keys the initiator invents', () => {
  const negotiation = new PassThroughNegotiation();
  const invented = keys(Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`X-${i}`, 'y'])));
  expect(negotiation.fromInitiator(invented)).toEqual([]);
});
