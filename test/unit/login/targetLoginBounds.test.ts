import { expect, test } from 'vitest';
import { MAX_TEXT_LENGTH } from '../../../src/iscsi/text.ts';
import { NAMES, LoginConversation } from '../../support/loginConversation.ts';
import { failureOf, loginRequest } from '../../support/loginMessages.ts';

test('a message in more than 16 pieces ends the login', () => {
  const conversation = new LoginConversation();
  for (let piece = 0; piece < 16; piece++) {
    conversation.ask(loginRequest({ continues: true }, Buffer.from('a')));
  }
  const next = loginRequest({ continues: true }, Buffer.from('a'));
  expect(failureOf(() => conversation.ask(next)).message).toContain('too_many_pieces');
});

test('empty pieces count too', () => {
  const conversation = new LoginConversation();
  for (let piece = 0; piece < 16; piece++) conversation.ask(loginRequest({ continues: true }));
  expect(failureOf(() => conversation.ask(loginRequest({ continues: true }))).message).toContain(
    'too_many_pieces',
  );
});

test('a message of more than 8192 bytes ends the login, in however many pieces it comes', () => {
  const conversation = new LoginConversation();
  conversation.ask(loginRequest({ continues: true }, Buffer.alloc(MAX_TEXT_LENGTH)));
  const next = loginRequest({ continues: true }, Buffer.from('a'));
  expect(failureOf(() => conversation.ask(next)).message).toContain('text_too_long');
});

test('a login of more than 32 requests ends', () => {
  const conversation = new LoginConversation();
  conversation.ask(loginRequest({}, { ...NAMES, AuthMethod: 'None' }));
  for (let request = 1; request < 32; request++) conversation.ask(loginRequest({}));
  expect(failureOf(() => conversation.ask(loginRequest({}))).message).toContain('more than 32 requests');
});

const bulky = (at: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: 25 }, (_, i) => [`X-${at}-${i}`, 'v'.repeat(250)]));

test('keys that wait for the negotiation may not pile up in the security stage', () => {
  const conversation = new LoginConversation();
  conversation.ask(loginRequest({}, { ...NAMES, AuthMethod: 'None' }));
  conversation.ask(loginRequest({}, bulky(0)));
  expect(failureOf(() => conversation.ask(loginRequest({}, bulky(1)))).message).toContain('text_too_long');
});

test('an answer that would not fit into one PDU ends the login instead', () => {
  const pairs = Array.from({ length: 600 }, (_, i) => [`X-${i}`, 'NotUnderstood'] as const);
  const conversation = new LoginConversation({ negotiate: () => pairs });
  const request = loginRequest({ transit: true, currentStage: 1, nextStage: 3 }, NAMES);
  expect(failureOf(() => conversation.ask(request)).message).toContain('text_too_long');
});

test.each([
  ['a key of 64 bytes', `${'k'.repeat(64)}=1\0`, 'key_too_long'],
  ['a value of 256 bytes', `Key=${'v'.repeat(256)}\0`, 'value_too_long'],
  ['a key that comes twice', 'HeaderDigest=None\0HeaderDigest=None\0', 'duplicate_key'],
  ['more than 1024 keys', 'a=\0'.repeat(1025), 'too_many_keys'],
  ['no final zero byte', 'HeaderDigest=None', 'bad_text'],
  ['a key without a value', 'HeaderDigest\0', 'bad_text'],
])('%s ends the login', (_, text, code) => {
  const conversation = new LoginConversation();
  const failure = failureOf(() => conversation.ask(loginRequest({}, Buffer.from(text))));
  expect(failure).toMatchObject({ reason: 'protocol_error', wire: 0x0200 });
  expect(failure.message).toContain(code);
});
