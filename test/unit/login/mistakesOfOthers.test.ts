import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { parseIscsiName } from '../../../src/iscsi/names.ts';
import { TextAssembler } from '../../../src/iscsi/text.ts';
import { decodeBinaryValue } from '../../../src/iscsi/textValues.ts';
import { Challenges } from '../../../src/login/challenges.ts';
import { ChapProver } from '../../../src/login/chapProver.ts';
import {
  challengedConversation,
  chapProof,
  NAMES,
  LoginConversation,
} from '../../support/loginConversation.ts';
import { chapRequirement, failureOf, loginRequest } from '../../support/loginMessages.ts';

const TO_OPERATIONAL = { transit: true, currentStage: 0, nextStage: 1 };

test('tgt CVE-2024-45751, a predictable challenge: no two logins are challenged alike, and a recorded answer is worth nothing', () => {
  const challenges = new Challenges(randomBytes);
  const seen = new Set<string>();
  for (let login = 0; login < 64; login++) {
    const { conversation, challenge } = challengedConversation({ challenges });
    seen.add(challenge.keys.get('CHAP_C')!);
    conversation.login.end();
  }
  expect(seen.size).toBe(64);

  const recorded = chapProof(challengedConversation({ challenges }).challenge);
  const { conversation } = challengedConversation({ challenges });
  expect(failureOf(() => conversation.ask(loginRequest(TO_OPERATIONAL, recorded))).reason).toBe('chap');
});

test('LIO CVE-2013-2850, an unbounded key: a key of 8000 bytes is refused, and not echoed', () => {
  const conversation = new LoginConversation();
  const text = Buffer.from(`${'k'.repeat(8000)}=v\0`);
  const failure = failureOf(() => conversation.ask(loginRequest({}, text)));
  expect(failure.message).toContain('key_too_long');
  expect(failure.message.length).toBeLessThan(200);
});

test('LIO CVE-2018-14633, CHAP_R of any length into a fixed digest: the longest is refused', () => {
  const { conversation } = challengedConversation();
  const sent = { CHAP_N: 'db1', CHAP_R: `0x${'41'.repeat(1024)}` };
  expect(failureOf(() => conversation.ask(loginRequest(TO_OPERATIONAL, sent))).wire).toBe(0x0201);
});

test.each(['db', 'db12', 'db1-and-more'])('old LIO, CHAP_N compared by prefix: %s is not db1', (CHAP_N) => {
  const { conversation, challenge } = challengedConversation();
  const sent = { ...chapProof(challenge), CHAP_N };
  expect(failureOf(() => conversation.ask(loginRequest(TO_OPERATIONAL, sent))).wire).toBe(0x0201);
});

test('LIO extract_param, keys looked for by substring: XCHAP_N= is not CHAP_N=', () => {
  const { conversation, challenge } = challengedConversation();
  const { CHAP_N, CHAP_R } = chapProof(challenge);
  const request = loginRequest(TO_OPERATIONAL, { XCHAP_N: CHAP_N, CHAP_R });
  expect(failureOf(() => conversation.ask(request))).toMatchObject({
    wire: 0x0207,
    message: expect.stringContaining('CHAP_N is missing'),
  });
});

test('LIO extract_param, keys found inside values: CHAP_N=x behind another key is not CHAP_N', () => {
  const { conversation, challenge } = challengedConversation();
  const { CHAP_R } = chapProof(challenge);
  const request = loginRequest(TO_OPERATIONAL, { InitiatorAlias: 'CHAP_N=db1', CHAP_R });
  expect(failureOf(() => conversation.ask(request)).wire).toBe(0x0207);
});

test.each(['0x', '', '0x1', '0xzz', '0x0g', '0x 00', '0x00 '])(
  'edk2 IScsiHexToBin, empty, odd and invalid hex taken: "%s" is no binary value',
  (value) => {
    expect(() => decodeBinaryValue('CHAP_R', value, 16)).toThrow(/CHAP_R/);
  },
);

test.each([
  'iqn.2001-05.com.example:../../etc/passwd',
  'iqn.2001-05.com.example:a/b',
  'iqn.2001-05.com.example:a\\b',
  'iqn.2001-05.com.example:a\nb',
  'iqn.2001-05.com.example:a\u001b[31m',
  '../iqn.2001-05.com.example:a',
])('open-iscsi CVE-2026-44943, paths and control characters in names: %j is refused in a login', (name) => {
  expect(() => parseIscsiName(name)).toThrow();
  const conversation = new LoginConversation();
  const request = loginRequest({}, { ...NAMES, TargetName: name });
  expect(failureOf(() => conversation.ask(request)).wire).toBe(0x0200);
});

test('libiscsi#196, only the first 255 characters of a challenge hashed: the whole challenge counts', () => {
  const challenge = Buffer.alloc(1024, 0x61);
  const prover = new ChapProver(chapRequirement(), new Challenges(randomBytes));
  const answer = prover.respond(
    new Map([
      ['CHAP_A', '5'],
      ['CHAP_I', '1'],
      ['CHAP_C', `0x${challenge.toString('hex')}`],
    ]),
  );
  const expected = createHash('md5').update('\u0001initiator-secret').update(challenge).digest('hex');
  expect(new Map(answer).get('CHAP_R')).toBe(`0x${expected}`);
});

test('MS14-028, unbounded work before authentication: a login that never ends is ended', () => {
  const conversation = new LoginConversation();
  let requests = 0;
  const failure = failureOf(() => {
    for (; requests < 1000; requests++) {
      conversation.ask(loginRequest({}, requests === 0 ? { ...NAMES, AuthMethod: 'None' } : {}));
    }
  });
  expect(failure.reason).toBe('protocol_error');
  expect(requests).toBe(32);
});

test('a WebSocket library, many tiny fragments: pieces are counted, not only their bytes', () => {
  const assembler = new TextAssembler({ maxLength: 8192, maxPieces: 16 });
  expect(() => {
    for (let piece = 0; piece < 17; piece++) assembler.add(Buffer.alloc(1), true);
  }).toThrow(/16 pieces/);
});
