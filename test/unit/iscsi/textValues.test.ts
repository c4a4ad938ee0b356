import { expect, test } from 'vitest';
import { decodeBinaryValue, encodeBinaryValue, parseNumericalValue } from '../../../src/iscsi/textValues.ts';
import { expectProtocolError } from '../../support/protocolErrors.ts';

const decode = (value: string, maxLength = 16) => decodeBinaryValue('CHAP_C', value, maxLength);

test.each([
  ['0x00', '00'],
  ['0xA94B9b10', 'a94b9b10'],
  ['0XfF', 'ff'],
  ['0bAA==', '00'],
  ['0bAA', '00'],
  ['0B+/8=', 'fbff'],
  ['0bAAEC', '000102'],
])('%s is %s', (value, hex) => {
  expect(decode(value).toString('hex')).toBe(hex);
});

test.each([
  ['', 'nothing'],
  ['0x', 'no digit'],
  ['0b', 'no digit'],
  ['0xabc', 'an odd number of digits'],
  ['0xabcg', 'a stray digit'],
  ['0xab cd', 'a space'],
  ['0xab\n', 'a line end'],
  ['abcd', 'no prefix'],
  ['1234', 'a number'],
  ['0b====', 'padding alone'],
  ['0bA', 'one digit of Base64'],
  ['0bAB==', 'bits behind the last byte'],
  ['0bAA=', 'half the padding'],
  ['0bAA===', 'too much padding'],
  ['0b-_8=', "the URL's alphabet"],
  ['0bAA ==', 'a space'],
  ['0bAA==AA==', 'something behind the padding'],
])('%j is refused: %s', (value) => {
  expectProtocolError('bad_value', () => decode(value));
});

test.each([
  ['0x', 'ab'.repeat(4), 'ab'.repeat(5)],
  ['0b', Buffer.alloc(4).toString('base64'), Buffer.alloc(5).toString('base64')],
])('%s: as long as allowed is taken, one byte more is not', (prefix, longest, tooLong) => {
  expect(decode(prefix + longest, 4)).toHaveLength(4);
  expectProtocolError('value_too_long', () => decode(prefix + tooLong, 4));
});

test("the error does not show the value, which may be a secret's digest", () => {
  expect(expectProtocolError('bad_value', () => decode('0xsecret')).message).not.toContain('secret');
});

test('bytes are written in lower-case hex', () => {
  expect(encodeBinaryValue(Buffer.from('A94B00', 'hex'))).toBe('0xa94b00');
});

test.each([
  ['512', 512],
  ['16777215', 16777215],
  ['0x200', 512],
  ['0XFFFFFF', 16777215],
])('%s is the number %i', (value, number) => {
  expect(parseNumericalValue('MaxBurstLength', value, 512, 16777215)).toBe(number);
});

test.each([
  '',
  '511',
  '16777216',
  '-512',
  '+512',
  '1e3',
  '512.0',
  ' 512',
  '512 ',
  '0x',
  '0x1000000000',
  '99999999999',
  'Yes',
  '0b200',
])('%j is no number from 512 to 16777215', (value) => {
  expectProtocolError('bad_value', () => parseNumericalValue('MaxBurstLength', value, 512, 16777215));
});
