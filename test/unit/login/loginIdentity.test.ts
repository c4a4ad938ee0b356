import { expect, test } from 'vitest';
import { readIdentity, withoutIdentity } from '../../../src/login/loginIdentity.ts';
import { failureOf } from '../../support/loginMessages.ts';

const INITIATOR = 'iqn.1993-08.org.debian:01:db1';
const TARGET = 'iqn.2001-05.com.example:disk';
const keys = (record: Record<string, string>): Map<string, string> => new Map(Object.entries(record));

test('names are normalised for the policy and kept as sent for the array', () => {
  const sent = { InitiatorName: 'IQN.1993-08.org.debian:01:DB1', TargetName: 'iqn.2001-05.com.EXAMPLE:disk' };
  expect(readIdentity(keys({ ...sent, SessionType: 'Normal' }))).toEqual({
    initiatorName: INITIATOR,
    initiatorNameAsSent: sent.InitiatorName,
    sessionType: 'Normal',
    targetName: TARGET,
    targetNameAsSent: sent.TargetName,
  });
});

test('a session is Normal unless it says otherwise', () => {
  expect(readIdentity(keys({ InitiatorName: INITIATOR, TargetName: TARGET })).sessionType).toBe('Normal');
});

test('a discovery session needs no target', () => {
  const identity = readIdentity(keys({ InitiatorName: INITIATOR, SessionType: 'Discovery' }));
  expect(identity).not.toHaveProperty('targetName');
});

test.each([
  ['InitiatorName', { TargetName: TARGET }, 0x0207],
  ['TargetName', { InitiatorName: INITIATOR }, 0x0207],
  ['SessionType', { InitiatorName: INITIATOR, TargetName: TARGET, SessionType: 'normal' }, 0x0209],
  ['InitiatorName', { InitiatorName: '', TargetName: TARGET }, 0x0200],
])('a missing or unknown %s ends the login', (key, sent: Record<string, string>, wire) => {
  const failure = failureOf(() => readIdentity(keys(sent)));
  expect(failure.wire).toBe(wire);
  if (wire !== 0x0200) expect(failure.message).toContain(key);
});

const IDENTITY = readIdentity(keys({ InitiatorName: INITIATOR, TargetName: TARGET }));

test('identity keys that are repeated as they were are taken out, the rest stays', () => {
  const repeated = { InitiatorName: INITIATOR.toUpperCase(), TargetName: TARGET, SessionType: 'Normal' };
  expect(withoutIdentity(keys({ ...repeated, HeaderDigest: 'None' }), IDENTITY)).toEqual(
    keys({ HeaderDigest: 'None' }),
  );
});

test.each([
  { InitiatorName: `${INITIATOR}0` },
  { TargetName: 'iqn.2001-05.com.example:other' },
  { SessionType: 'Discovery' },
])('an identity key that changes ends the login: %o', (changed) => {
  const failure = failureOf(() => withoutIdentity(keys(changed), IDENTITY));
  expect(failure.message).toContain(`${Object.keys(changed)[0]} changed during login`);
});

test('a discovery session cannot turn to a target later', () => {
  const discovery = readIdentity(keys({ InitiatorName: INITIATOR, SessionType: 'Discovery' }));
  expect(failureOf(() => withoutIdentity(keys({ TargetName: TARGET }), discovery)).wire).toBe(0x0200);
});
