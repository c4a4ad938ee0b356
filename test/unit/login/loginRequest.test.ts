import { expect, test } from 'vitest';
import { encodePdu, wirePdu, NO_DIGESTS } from '../../../src/iscsi/pdu.ts';
import { readLoginRequest, Stage } from '../../../src/login/loginRequest.ts';
import { failureOf, loginRequest, pdu } from '../../support/loginMessages.ts';

const FIRST = readLoginRequest(loginRequest({}), undefined, undefined);

test('the fields of a first request are read', () => {
  const request = loginRequest({ transit: true, currentStage: 1, nextStage: 3, cid: 9, cmdSN: 5 });
  expect(readLoginRequest(request, undefined, undefined)).toMatchObject({
    transit: true,
    continues: false,
    currentStage: Stage.operational,
    nextStage: Stage.fullFeature,
    cid: 9,
    cmdSN: 5,
  });
});

test.each([
  [0, 1],
  [0, 3],
  [1, 3],
])('a transit from stage %i to %i is legal', (currentStage, nextStage) => {
  const request = loginRequest({ transit: true, currentStage, nextStage });
  expect(readLoginRequest(request, undefined, undefined).nextStage).toBe(nextStage);
});

test.each([
  [0, 0],
  [0, 2],
  [1, 0],
  [1, 1],
  [1, 2],
])('a transit from stage %i to %i is refused', (currentStage, nextStage) => {
  const request = loginRequest({ transit: true, currentStage, nextStage });
  expect(failureOf(() => readLoginRequest(request, undefined, undefined))).toMatchObject({ wire: 0x0200 });
});

test.each([0, 1, 2, 3])('without T, next stage %i means nothing', (nextStage) => {
  expect(readLoginRequest(loginRequest({ currentStage: 1, nextStage }), undefined, 1).transit).toBe(false);
});

test.each([2, 3])('a request in stage %i is refused', (currentStage) => {
  const failure = failureOf(() => readLoginRequest(loginRequest({ currentStage }), undefined, undefined));
  expect(failure).toMatchObject({ wire: 0x0200, message: expect.stringContaining(`stage ${currentStage}`) });
});

test.each([
  [0, 1],
  [1, 0],
])('a request in stage %i while the login is in stage %i is refused', (currentStage, stage) => {
  expect(failureOf(() => readLoginRequest(loginRequest({ currentStage }), FIRST, stage)).wire).toBe(0x0200);
});

test('a request with both T and C is refused', () => {
  const request = loginRequest({ transit: true, continues: true, nextStage: 1 });
  expect(failureOf(() => readLoginRequest(request, undefined, undefined)).message).toContain('both T and C');
});

test('a lowest version above 0 is an unsupported version', () => {
  const request = loginRequest({ versionMin: 1, versionMax: 1 });
  const failure = failureOf(() => readLoginRequest(request, undefined, undefined));
  expect(failure).toMatchObject({ reason: 'unsupported_version', wire: 0x0205 });
});

test('a range of versions that has 0 in it is taken', () => {
  const request = loginRequest({ versionMin: 0, versionMax: 1 });
  expect(readLoginRequest(request, undefined, undefined).versionMax).toBe(1);
});

test('a login into an existing session is told that there is none', () => {
  const failure = failureOf(() => readLoginRequest(loginRequest({ tsih: 0x1234 }), undefined, undefined));
  expect(failure).toMatchObject({ reason: 'session_does_not_exist', wire: 0x020a });
});

test('a first PDU that is no Login Request closes the connection without an answer', () => {
  const text = pdu(encodePdu('textRequest', { final: true }));
  const failure = failureOf(() => readLoginRequest(text, undefined, undefined));
  expect(failure).toMatchObject({ reason: 'not_iscsi', wire: 'close' });
});

test('a later PDU that is no Login Request is invalid during login', () => {
  const text = pdu(encodePdu('textRequest', { final: true }));
  const failure = failureOf(() => readLoginRequest(text, FIRST, 0));
  expect(failure).toMatchObject({ reason: 'invalid_during_login', wire: 0x020b });
});

test('additional header segments have no place in a login', () => {
  const { bhs, data } = loginRequest({});
  const request = pdu(wirePdu(bhs, Buffer.alloc(4), data, NO_DIGESTS));
  expect(failureOf(() => readLoginRequest(request, undefined, undefined)).message).toContain(
    'header_too_long',
  );
});

test.each([
  { isid: Buffer.from('00023d000002', 'hex') },
  { tsih: 1 },
  { cid: 2 },
  { initiatorTaskTag: 8 },
  { versionMin: 1 },
  { versionMax: 1 },
])('%o may not change during a login', (changed) => {
  const failure = failureOf(() => readLoginRequest(loginRequest(changed), FIRST, 0));
  expect(failure).toMatchObject({ reason: 'protocol_error', wire: 0x0200 });
});

test('CmdSN and ExpStatSN are not held against the first request', () => {
  const request = loginRequest({ cmdSN: 8, expStatSN: 77 });
  expect(readLoginRequest(request, FIRST, 0).expStatSN).toBe(77);
});
